package signaling

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plenum/signaling/protocol"
)

// clientMessages and serverMessages have a value to decode each type of message into.
func clientMessages() map[string]any {
	return map[string]any{
		protocol.TypeOffer: &protocol.ClientDescription{}, protocol.TypeAnswer: &protocol.ClientDescription{},
		protocol.TypeCandidate: &protocol.ClientCandidate{}, protocol.TypePublish: &protocol.Publish{},
		protocol.TypeMute: &protocol.Mute{}, protocol.TypeSubscribe: &protocol.Subscribe{},
		protocol.TypeMessage: &protocol.ClientMessage{}, protocol.TypeLeave: &protocol.Leave{},
	}
}

func serverMessages() map[string]any {
	return map[string]any{
		protocol.TypeJoined: &protocol.Joined{}, protocol.TypeParticipant: &protocol.Participant{},
		protocol.TypeOffer: &protocol.Description{}, protocol.TypeAnswer: &protocol.Description{},
		protocol.TypeTracks: &protocol.Tracks{}, protocol.TypeSpeakers: &protocol.Speakers{},
		protocol.TypeQuality: &protocol.Quality{}, protocol.TypeLayers: &protocol.Layers{},
		protocol.TypeUnreached: &protocol.Unreached{}, protocol.TypeMessage: &protocol.Message{},
		protocol.TypeDrain: &protocol.Drain{}, protocol.TypeError: &protocol.Error{},
	}
}

func document(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkExample decodes a message into the type that it names, and encodes it again.
func checkExample(t *testing.T, example []byte, into map[string]any) (kind string) {
	t.Helper()
	var head struct{ Type string }
	if err := json.Unmarshal(example, &head); err != nil {
		t.Fatalf("%s: %v", example, err)
	}
	if into[head.Type] == nil {
		t.Errorf("%s: no such type", example)
		return head.Type
	}
	fresh := reflect.New(reflect.TypeOf(into[head.Type]).Elem()).Interface()
	d := json.NewDecoder(bytes.NewReader(example))
	d.DisallowUnknownFields()
	if err := d.Decode(fresh); err != nil {
		t.Errorf("%s: %v", example, err)
		return head.Type
	}
	again, err := json.Marshal(fresh)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if json.Unmarshal(example, &want) != nil || json.Unmarshal(again, &got) != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s becomes %s", example, again)
	}
	return head.Type
}

// TestExamples: every type of message has an example in the document that the types here
// decode and encode again, and the engine's own decoder takes what clients send.
func TestExamples(t *testing.T) {
	text := document(t)
	for end, all := range map[string]map[string]any{"client": clientMessages(), "server": serverMessages()} {
		var seen []string
		for _, block := range regexp.MustCompile("(?s)```json "+end+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(block[1]) {
				seen = append(seen, checkExample(t, []byte(line), all))
				if end == "client" {
					if _, err := decode([]byte(line), protocol.MaxBody); err != nil {
						t.Errorf("%s: %v", line, err)
					}
				}
			}
		}
		for kind := range all {
			if !slices.Contains(seen, kind) {
				t.Errorf("%s has no example", kind)
			}
		}
	}
}

// TestDialogue decodes a dialogue between a browser and the server.
func TestDialogue(t *testing.T) {
	b, err := os.ReadFile("testdata/dialogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		switch from, message, _ := strings.Cut(line, " "); from {
		case "C":
			checkExample(t, []byte(message), clientMessages())
			if _, err := decode([]byte(message), protocol.MaxBody); err != nil {
				t.Errorf("%s: %v", message, err)
			}
		case "S":
			checkExample(t, []byte(message), serverMessages())
		}
	}
}

// tabled are the names in the first column of a section's tables.
func tabled(t *testing.T, section string) (names []string) {
	t.Helper()
	_, text, found := strings.Cut(document(t), "\n## "+section+"\n")
	if !found {
		t.Fatalf("no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*)\\|").FindAllStringSubmatch(text, -1) {
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[1], -1) {
			names = append(names, name[1])
		}
	}
	return names
}

// TestDocumentIsComplete: message types, error codes and token claims are the same in the
// code and in the document.
func TestDocumentIsComplete(t *testing.T) {
	var codes, claims []string
	for _, c := range protocol.Codes() {
		codes = append(codes, string(c))
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[tokenClaims]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && !slices.Contains([]string{"iss", "sub", "aud", "jti"}, name) { // registered, and not looked at
			claims = append(claims, name)
		}
	}
	for _, c := range []struct {
		section string
		want    []string
	}{
		{"Client to server", protocol.ClientTypes()}, {"Server to client", protocol.ServerTypes()}, {"Errors", codes}, {"Tokens", claims},
	} {
		got, want := tabled(t, c.section), slices.Clone(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the document has %q, the code %q", c.section, got, want)
		}
	}
}

// TestCloseCodesInDocument: the close code of each error is the one that the document says.
func TestCloseCodesInDocument(t *testing.T) {
	text := document(t)
	for _, c := range protocol.Codes() {
		if c.Close() == 0 || c == protocol.BadMessage {
			continue
		}
		row := regexp.MustCompile("(?m)^\\| [^|]*`" + string(c) + "`[^|]*\\|.*\\| (\\d+) \\|$").FindStringSubmatch(text)
		if row == nil || row[1] != strconv.Itoa(c.Close()) {
			t.Errorf("%s closes with %d; the document says %q", c, c.Close(), row)
		}
	}
}
