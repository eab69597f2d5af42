// Package web holds the browser's side of Plenum, embedded into the binary: the
// app that people open and the SDK that the app and any other page may import.
//
// Everything is plain ES modules, served as they lie here but for their JSDoc comments.
// There is no build step and no dependency; TypeScript only checks the types (package.json).
//
//	plenum.js         the SDK's entry, served at /plenum.js: re-exports sdk/
//	plenum-call.js    <plenum-call>, the custom element, served at /plenum-call.js
//	element/          what the element says and how it looks
//	README.md         how to use the SDK; its examples are run by the tests
//	examples/         a plain page, the custom element, a React component
//	package.json      the SDK as the npm package plenum-client; types/ is made by npm pack
//
// The SDK knows no page: it takes and gives the browser's media objects.
//
//	sdk/join.js       join
//	sdk/peek.js       who is in a room, without joining it
//	sdk/room.js       Room: what a page sees; ties the parts below together
//	sdk/events.js     the room's events and options as JSDoc types, no code
//	sdk/signal.js     the WebSocket: dialing, resuming, moving to another server
//	sdk/peer.js       the RTCPeerConnection of one session: perfect negotiation, ICE restart
//	sdk/provisional.js  what the server will answer, as far as it is known before
//	sdk/roster.js     who is there, which tracks they have, which m-line carries them
//	sdk/publication.js  what this page publishes; survives a change of session
//	sdk/sending.js    how a track is sent: codec, unwatched layers, reuse of m-lines
//	sdk/encodings.js  in which layers, by the size of the picture
//	sdk/subscriptions.js  what this page wants of the others' tracks
//	sdk/attachment.js plays a track in an element, in the size at which it can be seen
//	sdk/playback.js   what the browser plays only after a click
//	sdk/statistics.js the browser's counters as rates
//	sdk/media.js      cameras, microphones, screens, and why they can't be had
//	sdk/localmedia.js one's own devices in a call, each on or off, one change after another
//	sdk/network.js    when the machine changes its network, and the page goes away
//	sdk/frames.js     does once a frame what is wished more often
//	sdk/emitter.js    on, off, once, events
//	sdk/errors.js     PlenumError, its classes and the protocol's codes
//	sdk/address.js    where to dial
//	sdk/protocol.js   the wire messages as JSDoc types, no code
//
// The app has state, which knows no page either, and views, which draw it.
//
//	app/index.html    the one page, for / and /r/ROOM
//	app/main.js       from the lobby into the call and back; what only the call needs is loaded
//	                  after the first paint
//	app/state/        the call (call.js), which devices are used (media.js, devices.js), chat, hands and
//	                  reactions (conversation.js), who is there before one joins (presence.js),
//	                  what is wrong (trouble.js, quality.js, explain.js), where tiles go (layout.js), what is remembered
//	                  (settings.js), what is said (text.js)
//	app/views/        one file for each part of the screen; lobby.js and call.js tie them together
//	app/strings/      one file for each language
//	app/style/        base, lobby, call, panels
//	test/             tests for Node's own runner, with a fake WebSocket and peer connection
//	test/browser/     tests of the app and the SDK in Chromium (npm run test:browser); soak.js is a
//	                  long call, gallery.js takes pictures of every state of the app to look at
//	test/webkit/      the app in WebKitGTK, all but media (npm run test:webkit)
//	e2e/              tests in real browsers against the real binary
//
// The app takes these from its address, besides the room in the path:
//
//	#token=JWT        access token (or ?token=JWT; a fragment stays out of access logs)
//	?codec=VP9        the video codec to send: VP8, VP9, H264 or AV1
//	?video=640x360    the camera's size; ?video=640x360x15 also its frame rate
//	?simulcast=0      send one layer only, where it would be up to three
//	?svc=L3T3_KEY     the layers within the stream of VP9 (the default then) or AV1
//	?lang=zh          the language, in place of the browser's
//
// The app is for Chromium, Firefox and Safari from 16.4 on. What only some of them have
// is asked for where it is used and left away where it is missing: popovers, light-dark(),
// the choice of speakers, screen sharing, full screen, picture in picture, background blur.
// test/browser/older.test.js runs the app with all of it taken away.
//
// Working on it: npm ci, then npm test and npm run check, in this folder. For
// npm run test:browser also make build, and npm ci in e2e/.
package web
