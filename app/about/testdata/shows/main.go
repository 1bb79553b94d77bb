// Command shows prints what it was built with.
package main

import (
	"fmt"

	"deskbell/app/about"
)

func main() {
	fmt.Printf("%s\n%s\n%s\n", about.Name, about.ID, about.Line("shows"))
}
