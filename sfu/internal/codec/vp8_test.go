package codec

// The first five follow the examples of RFC 7741 §4.6.
var vp8Goldens = []golden{
	{"key frame in one packet", VP8, unhex("90 80 11  500100 9d012a 8002 e001"), nil,
		Info{Keyframe: true, Start: true, Switch: true, Width: 640, Height: 480, PictureID: 17, PictureIDBits: 7}},
	{"inter frame without picture id", VP8, unhex("30  3101"), nil, start},
	{"second partition", VP8, unhex("91 80 11  55"), nil, Info{PictureID: 17, PictureIDBits: 7}},
	{"continued partition", VP8, unhex("80 80 11  54"), nil, Info{PictureID: 17, PictureIDBits: 7}},
	{"long picture id", VP8, unhex("90 80 9267  31"), nil,
		Info{Start: true, PictureID: 4711, PictureIDBits: 15}},
	{"all numbers", VP8, unhex("90 f0 9267 05 63  31"), nil, // TID 1, Y, KEYIDX 3
		Info{Start: true, Switch: true, Temporal: 1, PictureID: 4711, PictureIDBits: 15,
			TL0PicIdx: 5, HasTL0PicIdx: true, KeyIdx: 3, HasKeyIdx: true}},
	{"numbers without key index", VP8, unhex("90 e0 7f ff 9f  31"), nil, // TID 2, KEYIDX to be ignored
		Info{Start: true, Temporal: 2, PictureID: 127, PictureIDBits: 7, TL0PicIdx: 255, HasTL0PicIdx: true}},
	{"key index without layer", VP8, unhex("90 10 e5  31"), nil, // TID and Y to be ignored
		Info{Start: true, KeyIdx: 5, HasKeyIdx: true}},
	{"layer sync of a continued frame", VP8, unhex("80 20 60  31"), nil, Info{Temporal: 1}},
	{"extension without fields", VP8, unhex("90 00  31"), nil, start},
	{"scaled key frame", VP8, unhex("10  100200 9d012a 0085 d082"), nil, keySized(1280, 720)},
	{"key frame without start code", VP8, unhex("10  500100 9d012b 8002 e001"), nil, key},
	{"key frame without width", VP8, unhex("10  500100 9d012a 0000 e001"), nil, key},
	{"key frame cut before its size", VP8, unhex("10  500100 9d012a 8002 e0"), nil, key},
	{"descriptor without frame", VP8, unhex("90 80 11"), nil,
		Info{Start: true, PictureID: 17, PictureIDBits: 7}},
	{"empty", VP8, nil, nil, Info{}},
	{"no extension byte", VP8, unhex("90"), nil, Info{}},
	{"no picture id", VP8, unhex("90 80"), nil, Info{}},
	{"half a picture id", VP8, unhex("90 80 92"), nil, Info{}},
	{"no TL0PICIDX", VP8, unhex("90 c0 11"), nil, Info{}},
	{"no key index", VP8, unhex("90 50 11"), nil, Info{}},
}
