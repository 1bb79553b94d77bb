// Command archive packs files into a .tar.gz or .zip that is the same, byte for byte, whenever it is made from the same files.
//
//	archive -o OUT -time UNIX-SECONDS FILE ...
//
// In the archive the files lie in one folder named like it, programs and scripts with the right to run. What OUT holds is
// noted in SHA256SUMS beside it.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "", "the archive to write")
	seconds := flag.Int64("time", 0, "the time that all files in it carry")
	flag.Parse()
	if err := run(*out, time.Unix(*seconds, 0).UTC(), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

// member is one file as it goes into the archive.
type member struct {
	name string
	mode os.FileMode
	data []byte
}

func run(out string, at time.Time, files []string) error {
	pack, top := packTar, strings.TrimSuffix(filepath.Base(out), ".tar.gz")
	if strings.HasSuffix(out, ".zip") {
		pack, top = packZip, strings.TrimSuffix(filepath.Base(out), ".zip")
	}
	if top == filepath.Base(out) || len(files) == 0 {
		return errors.New("name an archive that ends in .tar.gz or .zip, and files")
	}
	members, err := read(top, files)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = pack(io.MultiWriter(f, sum), at, members)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return noteSum(out, fmt.Sprintf("%x", sum.Sum(nil)))
}

// read loads the files in the order of their names.
func read(top string, files []string) ([]member, error) {
	members := make([]member, 0, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		mode := os.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		members = append(members, member{name: top + "/" + filepath.Base(file), mode: mode, data: data})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return members, nil
}

func packTar(w io.Writer, at time.Time, members []member) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	for _, m := range members {
		header := &tar.Header{Name: m.name, Mode: int64(m.mode), Size: int64(len(m.data)), ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(m.data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zipped.Close())
}

func packZip(w io.Writer, at time.Time, members []member) error {
	archive := zip.NewWriter(w)
	for _, m := range members {
		header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: at}
		header.SetMode(m.mode)
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(m.data); err != nil {
			return err
		}
	}
	return archive.Close()
}

// noteSum puts the archive's line into SHA256SUMS, in place of an older one, as sha256sum -c reads it.
func noteSum(out, sum string) error {
	path := filepath.Join(filepath.Dir(out), "SHA256SUMS")
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	name := filepath.Base(out)
	lines := slices.DeleteFunc(strings.Split(string(raw), "\n"), func(line string) bool { return line == "" || strings.HasSuffix(line, "  "+name) })
	lines = append(lines, sum+"  "+name)
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}
