package codec

// The first byte is I|P|L|F|B|E|V|Z, the layer byte TID|U|SID|D (RFC 9628 §4.2).
var vp9Goldens = []golden{
	// Structure: N_S 0, Y, G; 1280x720; N_G 1: TID 0, R 1, P_DIFF 1.
	{"keyframe with size", VP9, unhex("ae 9267 00 05  18 0500 02d0 01 04 01  82"), nil, keySized(1280, 720)},
	{"keyframe of three layers", VP9, unhex("ab 9267 00 05  50 0140 00b4 0280 0168 0500 02d0  82"), nil, keySized(1280, 720)},
	{"largest layer first", VP9, unhex("ab 9267 00 05  30 0500 02d0 0280 0168  82"), nil, keySized(1280, 720)},
	{"keyframe with structure but no size", VP9, unhex("8a 11  00  82"), nil, key},
	{"keyframe with sizes of nothing", VP9, unhex("8a 11  10 0000 0000  82"), nil, key},
	{"keyframe without fields", VP9, unhex("08  82"), nil, key},
	{"later packet of a keyframe", VP9, unhex("a0 9267 00 05  82"), nil, Info{}},
	{"upper layer of a key picture", VP9, unhex("a8 9267 03 05  82"), nil, Info{Start: true, Spatial: 1}},
	{"upper layer", VP9, unhex("ec 9267 53 05  86"), nil, // TID 2, U, SID 1, D
		Info{Start: true, Switch: true, Spatial: 1, Temporal: 2}},
	{"upper layer, later packet", VP9, unhex("e4 9267 53 05  86"), nil, Info{Spatial: 1, Temporal: 2}},
	{"inter frame", VP9, unhex("cc 11  86"), nil, start},
	{"flexible with two references", VP9, unhex("fc 11 20 03 04  86"), nil, Info{Start: true, Temporal: 1}},
	{"flexible with three references", VP9, unhex("fc 11 20 03 05 06  86"), nil, Info{Start: true, Temporal: 1}},
	{"flexible keyframe", VP9, unhex("b8 11 00  82"), nil, key},
	{"inter frame with structure", VP9, unhex("ce 11  10 0500 02d0  86"), nil, start},
	{"highest layers", VP9, unhex("ec 11 ef 05  86"), nil, Info{Start: true, Spatial: 7, Temporal: 7}},
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
