package signaling

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

const testMaxBody = 100

func pointer[T any](v T) *T { return &v }

func TestDecode(t *testing.T) {
	for message, want := range map[string]command{
		`{"type":"offer","sdp":"v=0"}`:                                   offerCommand{"v=0"},
		`{"sdp":"","type":"answer","extra":1}`:                           answerCommand{""},
		`{"type":"candidate","candidate":null}`:                          candidateCommand{},
		`{"type":"candidate","candidate":{"candidate":"","sdpMid":"0"}}`: candidateCommand{},
		`{"type":"candidate","candidate":{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":3,"usernameFragment":"u"}}`: candidateCommand{&sfu.CandidateInit{
			Candidate: "candidate:1", SDPMid: pointer("0"), SDPMLineIndex: pointer(uint16(3)), UsernameFragment: pointer("u"),
		}},
		`{"type":"publish","tracks":[]}`: publishCommand{[]sfu.PublishedTrack{}},
		`{"type":"publish","tracks":[{"mid":"0","source":"camera"},{"mid":"1","source":"screen-audio","muted":true}]}`: publishCommand{[]sfu.PublishedTrack{
			{Mid: "0", Source: sfu.Camera}, {Mid: "1", Source: sfu.ScreenAudio, Muted: true},
		}},
		`{"type":"mute","mid":"1","muted":false}`: muteCommand{"1", false},
		`{"type":"mute","mid":"1","muted":true}`:  muteCommand{"1", true},
		`{"type":"subscribe","tracks":[{"id":"t","enabled":false},{"id":"u","width":320.5,"height":180,"fps":15,"priority":2}]}`: subscribeCommand{[]sfu.Wish{
			{ID: "t"}, {ID: "u", Enabled: true, Width: 321, Height: 180, FPS: 15, Priority: 2},
		}},
		`{"type":"subscribe","tracks":[]}`: subscribeCommand{[]sfu.Wish{}},
		`{"type":"subscribe","tracks":[{"id":"t"},{"id":"u","enabled":null,"width":null,"height":null,"fps":null,"priority":null}]}`: subscribeCommand{[]sfu.Wish{
			{ID: "t", Enabled: true}, {ID: "u", Enabled: true},
		}},
		// beyond the bounds, and a tile of no size, which is not one without limits
		`{"type":"subscribe","tracks":[{"id":"t","width":65536,"height":1e300,"fps":1e9,"priority":11},{"id":"u","width":0,"height":0.2,"fps":0,"priority":-1e300}]}`: subscribeCommand{[]sfu.Wish{
			{ID: "t", Enabled: true, Width: 65535, Height: 65535, FPS: 240, Priority: 10},
			{ID: "u", Enabled: true, Width: 1, Height: 1, FPS: 1, Priority: -10},
		}},
		`{"type":"message","body":null}`:                                         messageCommand{"", json.RawMessage("null")},
		`{"type":"message","to":null,"body":"<b>"}`:                              messageCommand{"", json.RawMessage(`"<b>"`)},
		`{"type":"message","to":"p","body":{"a":[1]}}`:                           messageCommand{"p", json.RawMessage(`{"a":[1]}`)},
		`{"type":"message","body":"` + strings.Repeat("x", testMaxBody-2) + `"}`: messageCommand{"", json.RawMessage(`"` + strings.Repeat("x", testMaxBody-2) + `"`)},
		`{"type":"leave"}`: leaveCommand{},
	} {
		got, err := decode([]byte(message), testMaxBody)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v", message, got, err, want)
		}
	}
}

func badMessages() map[string]string {
	return map[string]string{
		"":                         "not JSON",
		"hello":                    "not JSON",
		`{"type":"leave"`:          "not JSON",
		`{"type":"leave"} x`:       "not JSON",
		"null":                     "no type",
		"[]":                       "not an object",
		"{}":                       "no type",
		`{"type":null}`:            "no type",
		`{"type":5}`:               "type is a number",
		`{"type":"dance"}`:         `unknown type "dance"`,
		`{"type":"joined"}`:        "unknown type",
		"{\"type\":\"leave\xff\"}": "UTF-8",
		`{"type":"leave","x":` + strings.Repeat("[", protocol.MaxDepth) + strings.Repeat("]", protocol.MaxDepth) + `}`: "deeper",
		`{"type":"offer"}`:                                                          "sdp is missing",
		`{"type":"offer","sdp":null}`:                                               "sdp is missing",
		`{"type":"answer","sdp":{}}`:                                                "sdp is a object",
		`{"type":"candidate"}`:                                                      "candidate is missing",
		`{"type":"candidate","candidate":"candidate:1"}`:                            "not an object",
		`{"type":"candidate","candidate":{"candidate":1}}`:                          "candidate is a number",
		`{"type":"candidate","candidate":{"candidate":"c","sdpMLineIndex":-1}}`:     "sdpMLineIndex",
		`{"type":"candidate","candidate":{"candidate":"c","sdpMLineIndex":1.5}}`:    "sdpMLineIndex",
		`{"type":"candidate","candidate":{"candidate":"c","sdpMid":0}}`:             "sdpMid",
		`{"type":"publish"}`:                                                        "tracks is missing",
		`{"type":"publish","tracks":{}}`:                                            "tracks is a object",
		`{"type":"publish","tracks":[null]}`:                                        "no mid",
		`{"type":"publish","tracks":[{"mid":"","source":"camera"}]}`:                "no mid",
		`{"type":"publish","tracks":[{"mid":"0"}]}`:                                 "source",
		`{"type":"publish","tracks":[{"mid":"0","source":"hologram"}]}`:             "hologram",
		`{"type":"publish","tracks":[{"mid":"0","source":"camera","muted":"yes"}]}`: "muted",
		`{"type":"mute","mid":"0"}`:                                                 "muted is missing",
		`{"type":"mute","muted":true}`:                                              "mid is missing",
		`{"type":"mute","mid":0,"muted":true}`:                                      "mid is a number",
		`{"type":"subscribe"}`:                                                      "tracks is missing",
		`{"type":"subscribe","tracks":[{}]}`:                                        "no id",
		`{"type":"subscribe","tracks":[{"id":"t","width":-1}]}`:                     "negative",
		`{"type":"subscribe","tracks":[{"id":"t","fps":"many"}]}`:                   "fps",
		`{"type":"subscribe","tracks":[{"id":"t","enabled":1}]}`:                    "enabled",
		`{"type":"subscribe","tracks":[{"id":"t","width":1e400}]}`:                  "width",
		`{"type":"subscribe","tracks":[{"id":"t","priority":"high"}]}`:              "priority",
		`{"type":"subscribe","tracks":[` + wishes(protocol.MaxWishes+1) + `]}`:      "more than 512 tracks",
		`{"type":"message"}`:                                                        "body is missing",
		`{"type":"message","to":"","body":1}`:                                       "to is empty",
		`{"type":"message","to":7,"body":1}`:                                        "to is a number",
		`{"type":"message","body":"` + strings.Repeat("x", testMaxBody-1) + `"}`:    "body is over",
	}
}

// wishes are n entries of a `subscribe`.
func wishes(n int) string {
	return strings.TrimSuffix(strings.Repeat(`{"id":"t"},`, n), ",")
}

func TestDecodeMostWishes(t *testing.T) {
	got, err := decode([]byte(`{"type":"subscribe","tracks":[`+wishes(protocol.MaxWishes)+`]}`), testMaxBody)
	if c, is := got.(subscribeCommand); !is || len(c.wishes) != protocol.MaxWishes {
		t.Errorf("%T, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for message, want := range badMessages() {
		got, err := decode([]byte(message), testMaxBody)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %#v, %v; want an error with %q", message, got, err, want)
		}
	}
}

// What a message names is limited, to the byte.
func TestDecodeLongStrings(t *testing.T) {
	for message, limit := range map[string]int{
		`{"type":"publish","tracks":[{"mid":"%","source":"camera"}]}`:               64,
		`{"type":"mute","mid":"%","muted":true}`:                                    64,
		`{"type":"candidate","candidate":{"candidate":"c","sdpMid":"%"}}`:           64,
		`{"type":"candidate","candidate":{"candidate":"c","usernameFragment":"%"}}`: 256,
		`{"type":"candidate","candidate":{"candidate":"%"}}`:                        1024,
		`{"type":"subscribe","tracks":[{"id":"%"}]}`:                                128,
		`{"type":"message","to":"%","body":1}`:                                      128,
	} {
		for size := limit; size <= limit+1; size++ {
			_, err := decode([]byte(strings.Replace(message, "%", strings.Repeat("x", size), 1)), testMaxBody)
			if refused := err != nil && strings.Contains(err.Error(), "is over"); refused != (size > limit) {
				t.Errorf("%s with %d bytes: %v", message, size, err)
			}
		}
	}
}

// What nests in a string does not nest.
func TestDecodeBracketsInStrings(t *testing.T) {
	body := strings.Repeat(`[\"`, 200)
	if _, err := decode([]byte(`{"type":"offer","sdp":"`+body+`"}`), testMaxBody); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for message := range badMessages() {
		f.Add([]byte(message))
	}
	for _, message := range []string{
		`{"type":"offer","sdp":"v=0\r\n"}`, `{"type":"answer","sdp":""}`, `{"type":"leave"}`,
		`{"type":"candidate","candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}}`,
		`{"type":"publish","tracks":[{"mid":"0","source":"camera","muted":false}]}`, `{"type":"mute","mid":"0","muted":true}`,
		`{"type":"subscribe","tracks":[{"id":"t","enabled":true,"width":1e3,"height":2,"fps":3,"priority":-4}]}`,
		`{"type":"subscribe","tracks":[{"id":"t","width":0.1,"height":1e308,"fps":-0,"priority":1e-300},{"id":"t","enabled":false}]}`,
		`{"type":"message","to":"p","body":{"text":"\ud83d\ude00\ud800"}}`,
	} {
		f.Add([]byte(message))
	}
	f.Fuzz(checkDecode)
}

// checkDecode: any bytes give either an error that a client can be told or a
// command whose fields are what the engine relies on.
func checkDecode(t *testing.T, message []byte) {
	got, err := decode(message, testMaxBody)
	if err != nil {
		if got != nil || err.Error() == "" || len(err.Error()) > 500 {
			t.Fatalf("%v, error %q", got, err)
		}
		return
	}
	switch c := got.(type) {
	case candidateCommand:
		if c.candidate != nil && c.candidate.Candidate == "" {
			t.Fatal("an empty candidate is the end of candidates")
		}
		if c.candidate != nil && len(c.candidate.Candidate) > protocol.MaxCandidate {
			t.Fatalf("a candidate of %d bytes", len(c.candidate.Candidate))
		}
	case publishCommand:
		for _, track := range c.tracks {
			if track.Mid == "" || len(track.Mid) > protocol.MaxMid || !track.Source.Valid() {
				t.Fatalf("track %+v", track)
			}
		}
	case muteCommand:
		if c.mid == "" || len(c.mid) > protocol.MaxMid {
			t.Fatalf("mid %q", c.mid)
		}
	case subscribeCommand:
		if len(c.wishes) > protocol.MaxWishes {
			t.Fatalf("%d wishes", len(c.wishes))
		}
		for _, w := range c.wishes {
			if w.ID == "" || len(w.ID) > protocol.MaxID || w.Width < 0 || w.Width > 65535 || w.Height < 0 || w.Height > 65535 ||
				!(w.FPS >= 0 && w.FPS <= 240) || w.Priority < -10 || w.Priority > 10 {
				t.Fatalf("wish %+v", w)
			}
		}
	case messageCommand:
		if len(c.to) > protocol.MaxID || len(c.body) > testMaxBody || !json.Valid(c.body) {
			t.Fatalf("body %q", c.body)
		}
		if f := encodeEvent(sfu.Message{From: "p", Body: c.body}); !json.Valid(f.data) {
			t.Fatalf("forwarded as %q", f.data)
		}
	}
}
