package home

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"deskbell/assets"
)

const iconFile = "deskbell.png"

// Icon gives the path of the program's icon as a PNG file. Notifications show a picture only from a file or from an installed
// icon theme, and the program also runs where nothing was installed.
func (h *Home) Icon() (string, error) {
	path := filepath.Join(h.state, iconFile)
	have, err := os.ReadFile(path)
	if err == nil && bytes.Equal(have, assets.AppIcon()) {
		return path, nil
	}
	if err := replace(path, assets.AppIcon()); err != nil {
		return "", fmt.Errorf("keep the icon: %w", err)
	}
	return path, nil
}
