// Package web holds the browser's side of Plenum, embedded into the binary: the
// app that people open and the SDK that the app and any other page may import.
//
// Everything is plain ES modules, served as they lie here. There is no build step
// and no dependency; TypeScript only checks the JSDoc types (package.json).
//
//	plenum.js         the SDK's entry, served at /plenum.js: re-exports sdk/
//	sdk/room.js       join and Room: what a page sees; ties the parts below together
//	sdk/signal.js     the WebSocket: dialing, resuming, moving to another server
//	sdk/peer.js       the RTCPeerConnection of one session: perfect negotiation, ICE restart
//	sdk/roster.js     who is there, which tracks they have, which m-line carries them
//	sdk/publication.js  what this page publishes; survives a change of session
//	sdk/sending.js    how a track is sent: codec, simulcast, reuse of m-lines
//	sdk/emitter.js    on, off, emit
//	sdk/errors.js     PlenumError and the protocol's codes
//	sdk/protocol.js   the wire messages as JSDoc types, no code
//	app/index.html    the one page, for / and /r/ROOM
//	app/main.js       from the lobby into the call and back
//	app/lobby.js      name, room, camera preview
//	app/call.js       the call's screen: controls and banners
//	app/grid.js       the tiles; drawn from the room's state, never from single events
//	app/chat.js       the chat panel
//	app/devices.js    camera and microphone, and why they are missing
//	app/page.js       finding and making elements
//	app/settings.js   what the address says and what the browser remembers
//	test/             tests for Node's own runner, with a fake WebSocket and peer connection
//	e2e/              tests in real browsers against the real binary
//
// The app takes these from its address, besides the room in the path:
//
//	#token=JWT        access token (or ?token=JWT; a fragment stays out of access logs)
//	?codec=VP9        the video codec to send: VP8, VP9, H264 or AV1
//	?video=640x360    the camera's size; ?video=640x360x15 also its frame rate
//	?simulcast=1      send three layers
//
// Working on it: npm ci, then npm test and npm run check, in this folder.
package web
