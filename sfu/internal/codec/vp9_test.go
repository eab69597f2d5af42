package codec

// The first byte is I|P|L|F|B|E|V|Z, the layer byte TID|U|SID|D (RFC 9628 §4.2).
var vp9Goldens = []golden{
	// Structure: N_S 0, Y, G; 1280x720; N_G 1: TID 0, R 1, P_DIFF 1.
	{"keyframe with size", VP9, unhex("ae 9267 00 05  18 0500 02d0 01 04 01  82"), nil, vp9(keySized(1280, 720), 15, 0x1267, 5, true)},
	{"keyframe of three layers", VP9, unhex("ab 9267 00 05  50 0140 00b4 0280 0168 0500 02d0  82"), nil, vp9(keySized(1280, 720), 15, 0x1267, 5, false)},
	{"largest layer first", VP9, unhex("ab 9267 00 05  30 0500 02d0 0280 0168  82"), nil, vp9(keySized(1280, 720), 15, 0x1267, 5, false)},
	{"keyframe with structure but no size", VP9, unhex("8a 11  00  82"), nil, vp9(key, 7, 0x11, -1, false)},
	{"keyframe with sizes of nothing", VP9, unhex("8a 11  10 0000 0000  82"), nil, vp9(key, 7, 0x11, -1, false)},
	{"keyframe without fields", VP9, unhex("08  82"), nil, key},
	{"later packet of a keyframe", VP9, unhex("a0 9267 00 05  82"), nil, vp9(Info{}, 15, 0x1267, 5, false)},
	{"upper layer of a key picture", VP9, unhex("a8 9267 03 05  82"), nil, vp9(Info{Start: true, Spatial: 1}, 15, 0x1267, 5, false)},
	{"upper layer without a lower one", VP9, unhex("a8 9267 02 05  82"), nil, vp9(Info{Start: true, Keyframe: true, Switch: true, Spatial: 1}, 15, 0x1267, 5, false)},
	{"upper layer", VP9, unhex("ec 9267 53 05  86"), nil, // TID 2, U, SID 1, D
		vp9(Info{Start: true, Switch: true, Spatial: 1, Temporal: 2}, 15, 0x1267, 5, true)},
	{"upper layer, later packet", VP9, unhex("e4 9267 53 05  86"), nil, vp9(Info{Spatial: 1, Temporal: 2}, 15, 0x1267, 5, true)},
	{"inter frame", VP9, unhex("cc 11  86"), nil, vp9(start, 7, 0x11, -1, true)},
	{"flexible with two references", VP9, unhex("fc 11 20 03 04  86"), nil, vp9(Info{Start: true, Temporal: 1}, 7, 0x11, -1, true)},
	{"flexible with three references", VP9, unhex("fc 11 20 03 05 06  86"), nil, vp9(Info{Start: true, Temporal: 1}, 7, 0x11, -1, true)},
	{"flexible keyframe", VP9, unhex("b8 11 00  82"), nil, vp9(key, 7, 0x11, -1, false)},
	{"inter frame with structure", VP9, unhex("ce 11  10 0500 02d0  86"), nil, vp9(start, 7, 0x11, -1, true)},
	{"highest layers", VP9, unhex("ec 11 ef 05  86"), nil, vp9(Info{Start: true, Spatial: 7, Temporal: 7}, 7, 0x11, 5, true)},
	{"four references", VP9, unhex("fc 11 20 03 05 07 08 86"), nil, Info{}},
	{"no end of references", VP9, unhex("fc 11 20 03"), nil, Info{}},
	{"empty", VP9, nil, nil, Info{}},
	{"no picture id", VP9, unhex("88"), nil, Info{}},
	{"half a picture id", VP9, unhex("88 92"), nil, Info{}},
	{"no layer", VP9, unhex("a8 11"), nil, Info{}},
	{"no TL0PICIDX", VP9, unhex("a8 11 00"), nil, Info{}},
	{"no structure", VP9, unhex("0a"), nil, Info{}},
	{"cut structure", VP9, unhex("0a 30 0500 02d0 0280 01"), nil, Info{}},
}

// vp9 is what a packet is that also has a picture id of so many bits, a TL0PICIDX
// unless it is negative, and ends a layer frame or doesn't.
func vp9(i Info, bits uint8, picture uint16, tl0 int, end bool) Info {
	i.PictureIDBits, i.PictureID, i.End = bits, picture, end
	if tl0 >= 0 {
		i.HasTL0PicIdx, i.TL0PicIdx = true, uint8(tl0)
	}
	return i
}
