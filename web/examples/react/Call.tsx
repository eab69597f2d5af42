import {useEffect, useRef, useState} from 'react';
import {PlenumError, join, openDevices, type RemoteTrack, type Room} from 'plenum-client';

/** The room while it lasts, and everything in it that is to be seen or heard. */
function useCall(server: string, room: string, name: string) {
  const [call, setCall] = useState<Room | null>(null);
  const [tracks, setTracks] = useState<RemoteTrack[]>([]);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    const life = new AbortController();
    const start = async () => {
      const joined = await join(server, {
        room, name, signal: life.signal,
        on: {error: ({error}) => { if (error.fatal) setProblem(error.message); }},
      });
      const refresh = () => setTracks([...joined.participants.values()].flatMap((one) => [...one.tracks.values()]).filter((track) => track.mediaTrack));
      for (const event of ['track', 'track-ended', 'participant-left', 'participant-updated'] as const) joined.on(event, refresh);
      joined.on('state', ({state}) => { if (state === 'closed') setCall(null); });
      setCall(joined);
      refresh();
      const {camera, microphone} = await openDevices();
      const own = [camera, microphone].filter((track) => track !== null);
      const stop = () => own.forEach((track) => track.stop());
      // The call may be over before the browser has asked.
      if (joined.state === 'closed') stop();
      else if (own.length > 0) joined.publish(own);
      joined.closed.addEventListener('abort', stop);
    };
    start().catch((error: unknown) => {
      if (!life.signal.aborted) setProblem(error instanceof PlenumError ? `${error.code}: ${error.message}` : String(error));
    });
    return () => life.abort(); // leaves
  }, [server, room, name]);

  return {call, tracks, problem};
}

function Media({call, track}: {call: Room; track: RemoteTrack}) {
  const element = useRef<HTMLVideoElement>(null);
  // A track keeps its object when the connection is made anew: the media track tells.
  useEffect(() => (element.current ? call.attach(track, element.current) : undefined), [call, track]);
  return <video ref={element} hidden={track.kind === 'audio'} aria-label={track.participant.name} />;
}

export function Call({server, room, name}: {server: string; room: string; name: string}) {
  const {call, tracks, problem} = useCall(server, room, name);
  if (problem) return <p role="alert">{problem}</p>;
  if (!call) return <p>Joining…</p>;
  return (
    <section>
      {tracks.map((track) => <Media key={track.id} call={call} track={track} />)}
      <button type="button" onClick={() => call.leave()}>Leave</button>
    </section>
  );
}
