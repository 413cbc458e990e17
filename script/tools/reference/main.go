// reference answers how Go's distribution/reference reads image references: one JSON string a line in, so that any
// character can be asked about, and one JSON object a line out.
package main

import (
	"bufio"
	_ "crypto/sha256" // a digest is known only when its hash is linked in
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"

	"github.com/distribution/reference"
)

type reading struct {
	Accepted   bool   `json:"accepted"`
	Domain     string `json:"domain"`
	Path       string `json:"path"`
	Tag        string `json:"tag"`
	Digest     string `json:"digest"`
	Normalized string `json:"normalized"`
}

func read(text string) reading {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return reading{}
	}
	found := reading{
		Accepted:   true,
		Domain:     reference.Domain(named),
		Path:       reference.Path(named),
		Normalized: named.String(),
	}
	if tagged, ok := named.(reference.Tagged); ok {
		found.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		found.Digest = digested.Digest().String()
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 64*1024), 16*1024*1024)
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	encoder := json.NewEncoder(answers)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := encoder.Encode(read(text)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
