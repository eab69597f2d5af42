package wire

// extensionURIs are the names by which SDP negotiates the header extensions
// (RFC 8285 §5).
var extensionURIs = [NumExtensions]string{
	ExtensionMid:                  "urn:ietf:params:rtp-hdrext:sdes:mid",
	ExtensionRid:                  "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	ExtensionRepairedRid:          "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	ExtensionAudioLevel:           "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	ExtensionAbsSendTime:          "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
	ExtensionTransportCC:          "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	ExtensionVideoOrientation:     "urn:3gpp:video-orientation",
	ExtensionPlayoutDelay:         "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
	ExtensionVideoContentType:     "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
	ExtensionColorSpace:           "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
	ExtensionDependencyDescriptor: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
	ExtensionAbsCaptureTime:       "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
}

// ExtensionURI is the URI that negotiates kind in SDP; empty for ExtensionNone
// and unknown kinds.
func ExtensionURI(kind ExtensionKind) string {
	if kind >= NumExtensions {
		return ""
	}
	return extensionURIs[kind]
}

// ExtensionByURI is the kind that uri negotiates, or ExtensionNone.
func ExtensionByURI(uri string) ExtensionKind {
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		if extensionURIs[kind] == uri {
			return kind
		}
	}
	return ExtensionNone
}

// Forwarded reports whether the extension describes the media and so goes on
// to viewers. The others describe one hop (which m-line, when it left, in
// which order) and mean nothing on the next.
func (k ExtensionKind) Forwarded() bool {
	switch k {
	case ExtensionAudioLevel, ExtensionVideoOrientation, ExtensionPlayoutDelay,
		ExtensionVideoContentType, ExtensionColorSpace,
		ExtensionDependencyDescriptor, ExtensionAbsCaptureTime:
		return true
	default:
		return false
	}
}

// Kinds inverts e: the kind of each id.
func (e ExtensionIDs) Kinds() ExtensionKinds {
	var kinds ExtensionKinds
	for kind, id := range e {
		if id != 0 && kind != int(ExtensionNone) {
			kinds[id] = ExtensionKind(kind)
		}
	}
	return kinds
}

// AudioLevel reads the client-to-mixer audio level (RFC 6464 §3): the level in
// -dBov, from 0, the loudest, to 127, silence; and whether the sender believes
// that the packet holds voice. ok is false where ext is empty.
func AudioLevel(ext []byte) (level uint8, voice bool, ok bool) {
	if len(ext) == 0 {
		return 0, false, false
	}
	return ext[0] & 0x7F, ext[0]&0x80 != 0, true
}
