package xsd_test

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/schemas/xsd"
)

// TestWhatAProfileTakesISOTakes makes files up by the profiles alone, and has them judged by xmllint with the schemas of
// ISO 20022: order and names of elements, and values as long and as odd as the profiles allow.
func TestWhatAProfileTakesISOTakes(t *testing.T) {
	t.Parallel()

	folder := os.Getenv("REGLO_TEST_ISO_SCHEMAS")
	if folder == "" {
		t.Skip("REGLO_TEST_ISO_SCHEMAS is not set: the folder of the schemas of ISO 20022")
	}

	xmllint, err := exec.LookPath("xmllint")
	require.NoError(t, err)

	const files = 200

	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()

			maker := newMaker(t, version)
			judge, made := gate(t, version), t.TempDir()
			texts := append(make([]string, 0, files+1), full(version))

			for range files {
				texts = append(texts, `<?xml version="1.0" encoding="UTF-8"?>`+maker.element(maker.root))
			}

			arguments := []string{"--noout", "--nonet", "--schema", filepath.Join(folder, version+".xsd")}

			for i, text := range texts {
				require.NoError(t, judge.Check(t.Context(), strings.NewReader(text)), text)

				name := filepath.Join(made, strconv.Itoa(i)+".xml")
				require.NoError(t, os.WriteFile(name, []byte(text), 0o600))

				arguments = append(arguments, name)
			}

			said, err := exec.CommandContext(t.Context(), xmllint, arguments...).CombinedOutput() //nolint:gosec // the files were just made
			require.NoError(t, err, "%s", said)
			require.Equal(t, len(texts), strings.Count(string(said), " validates\n"))
			require.Len(t, maker.seen, maker.declared, "each element of the profile is in some file")
		})
	}
}

// maker makes files up by a profile.
type maker struct {
	t        testing.TB
	root     *node
	types    map[string]*node
	random   *rand.Rand
	seen     map[*node]bool
	declared int
	seeds    int
}

// node is any element of a schema.
type node struct {
	XMLName    xml.Name
	Attributes []xml.Attr `xml:",any,attr"`
	Nodes      []*node    `xml:",any"`
}

func (n *node) attribute(name string) string {
	at := slices.IndexFunc(n.Attributes, func(a xml.Attr) bool { return a.Name.Local == name })
	if at < 0 {
		return ""
	}

	return n.Attributes[at].Value
}

func (n *node) all(name string) []*node {
	var found []*node

	for _, child := range n.Nodes {
		if child.XMLName.Local == name {
			found = append(found, child)
		}

		found = append(found, child.all(name)...)
	}

	return found
}

// strip leaves out the documentation.
func (n *node) strip() {
	n.Nodes = slices.DeleteFunc(n.Nodes, func(child *node) bool { return child.XMLName.Local == "annotation" })
	for _, child := range n.Nodes {
		child.strip()
	}
}

func newMaker(t testing.TB, version string) *maker {
	t.Helper()

	m := &maker{t: t, types: map[string]*node{}, random: rand.New(rand.NewPCG(1, 2)), seen: map[*node]bool{}}

	for _, name := range []string{version + ".xsd", "sepa.xsd"} {
		text, err := xsd.FS.ReadFile(name)
		require.NoError(t, err)

		var schema node

		require.NoError(t, xml.Unmarshal(text, &schema))
		schema.strip()

		m.declared += len(schema.all("element"))

		for _, child := range schema.Nodes {
			if child.XMLName.Local == "element" {
				m.root = child
				child.Attributes = append(child.Attributes, xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: schema.attribute("targetNamespace")})
			} else if name := child.attribute("name"); name != "" {
				m.types[name] = child
			}
		}
	}

	return m
}

func (m *maker) element(declaration *node) string {
	m.seen[declaration] = true
	name, attributes := declaration.attribute("name"), ""

	if namespace := declaration.attribute("xmlns"); namespace != "" {
		attributes = fmt.Sprintf(" xmlns=%q", namespace)
	}

	of := m.types[declaration.attribute("type")]
	if of == nil {
		of = declaration.Nodes[0]
	}

	if of.XMLName.Local == "simpleType" {
		return fmt.Sprintf("<%s%s>%s</%s>", name, attributes, m.value(of), name)
	}

	if content := of.Nodes[0]; content.XMLName.Local == "simpleContent" {
		extended := content.Nodes[0]
		attribute := extended.Nodes[0]
		attributes += fmt.Sprintf(" %s=%q", attribute.attribute("name"), m.value(m.types[attribute.attribute("type")]))

		return fmt.Sprintf("<%s%s>%s</%s>", name, attributes, m.value(m.types[extended.attribute("base")]), name)
	}

	return fmt.Sprintf("<%s%s>%s</%s>", name, attributes, m.content(of.Nodes[0]), name)
}

// content is that of a sequence or of a choice.
func (m *maker) content(model *node) string {
	if model.XMLName.Local == "choice" {
		return m.element(model.Nodes[m.random.IntN(len(model.Nodes))])
	}

	const most = 3

	var text strings.Builder

	for _, child := range model.Nodes {
		times := 1
		if child.attribute("minOccurs") == "0" {
			times = m.random.IntN(2)
		} else if child.attribute("maxOccurs") == "unbounded" {
			times += m.random.IntN(most)
		}

		for range times {
			text.WriteString(m.element(child))
		}
	}

	return text.String()
}

// value is one of the type: now and then as long as it may be.
func (m *maker) value(of *node) string {
	restriction := of.Nodes[0]
	facets := restriction.Nodes
	facet := facets[m.random.IntN(len(facets))].attribute("value")

	if facets[0].XMLName.Local == "enumeration" {
		return facet
	}

	m.seeds++

	switch base := restriction.attribute("base"); base {
	case "xs:date", "xs:dateTime":
		date := fmt.Sprintf("20%02d-%02d-%02d", m.random.IntN(100), 1+m.random.IntN(12), 1+m.random.IntN(28))
		if base == "xs:date" {
			return date
		}

		zone := []string{"Z", "+00:00", "+02:00", "-11:30", "+14:00"}[m.random.IntN(5)]

		return fmt.Sprintf("%sT%02d:%02d:%02d%s", date, m.random.IntN(24), m.random.IntN(60), m.random.IntN(60), zone)
	case "xs:string":
		if m.random.IntN(4) == 0 { // as often as it can be
			facet = repeated.ReplaceAllString(facet, "{$1}")
		}

		return rapid.StringMatching(facet).Example(m.seeds)
	default: // what matches the base's pattern too
		of := regexp.MustCompile("^" + m.types[base].Nodes[0].Nodes[0].attribute("value") + "$")

		return rapid.StringMatching(facet).Filter(of.MatchString).Example(m.seeds)
	}
}

var repeated = regexp.MustCompile(`\{\d+,(\d+)}`)
