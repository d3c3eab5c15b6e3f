// What is said first: how it is, in a sentence.

// How much a host wants somebody: what comes first in the table, and which colour it has.
const TONES = ['bad', 'act', 'wait', 'idle', 'ok'];
const WELL = new Set(['streaming', 'waiting', 'ended']);

const toneOf = (host) => {
  if (host.hold || host.state === 'held') return 'act';
  if (host.standing === 'over_intensity') return 'bad';
  if (!host.ready) return host.found ? 'idle' : 'bad';
  return WELL.has(host.state) ? 'ok' : 'wait';
};

const streams = (host) => host.ready && (host.state === 'streaming' || host.state === 'waiting');

// Since when each host is in its state. It is counted back from how long that is, which would give another second at
// every look.
const began = new Map();
const beganAt = (host, now) => {
  const then = now - host.state_for_ms;
  const known = began.get(host.host);
  if (known?.state === host.state && Math.abs(known.then - then) < 3000) return known.then;
  began.set(host.host, { state: host.state, then });
  return then;
};

const sinceOf = (host, now) => {
  if (host.hold) return moment(host.hold.since, now);
  if (host.state_for_ms !== null) return moment(beganAt(host, now), now);
  return host.last_exit?.at ? moment(host.last_exit.at, now) : null;
};

const because = (host) => plain(host.hold?.cause ?? host.reason ?? '');

const troubleOf = (host, now) => {
  const since = sinceOf(host, now);
  const why = because(host);
  const state = host.state === 'unavailable' ? 'waits for the sink' : `is ${stateWord(host.state)}`;
  return `${plain(host.host, 80)} ${state}${since ? ` since ${since}` : ''}${why ? `: ${why}` : ''}`;
};

// A list is read, and a stream streams.
const STREAM = { one: 'streams', more: 'stream', not: 'does not stream', notMore: 'do not stream' };
const READ = { one: 'is read', more: 'are read', not: 'is not read', notMore: 'are not read' };

const count = (streaming, reading, verb) => {
  const total = reading.length;
  if (total === 1) return `${plain(reading[0].host, 80)} ${streaming ? verb.one : verb.not}`;
  if (streaming === total) return `All ${NUMBER.format(total)} hosts ${verb.more}`;
  if (streaming === 0) return `None of ${NUMBER.format(total)} hosts ${verb.one}`;
  return `${NUMBER.format(streaming)} of ${NUMBER.format(total)} hosts ${streaming === 1 ? verb.one : verb.more}`;
};

// How many lines say why not all stream.
const TOLD = 3;

// The headline, the sentences below it, and the tone of the page.
const verdictOf = (page, now) => {
  const { hosts, sink } = page;
  const done = hosts.filter((host) => host.ready && host.state === 'ended');
  const reading = hosts.filter((host) => !done.includes(host));
  const streaming = reading.filter(streams);
  const verb = page.daemon === 'backfill' ? READ : STREAM;
  const headline = hosts.length === 0
    ? (page.reason === 'starting' ? 'The daemon is starting' : 'No host is read yet')
    : reading.length === 0 ? 'All hosts came to their end' : count(streaming.length, reading, verb);
  const off = reading.filter((host) => !streams(host) && !(host.found && !host.ready));
  off.sort((one, other) => TONES.indexOf(toneOf(one)) - TONES.indexOf(toneOf(other)));
  const tones = new Set(off.map(toneOf));
  const tone = !page.ready ? 'bad' : TONES.find((one) => tones.has(one)) ?? (hosts.length ? 'ok' : 'idle');
  const why = [];
  if (sink.answers === false) why.push(`The sink does not answer: ${plain(sink.trouble)}`);
  else if (page.reason && page.reason !== 'starting') why.push(plain(page.reason));
  const full = off.filter((host) => host.state === 'full' || host.state === 'parked');
  if (full.length > 1 && full.length === off.length) {
    why.push(`The stream is full: ${number(sink.entries)} entries, and the mark is ${number(sink.high_water)}. Consumers have to delete what they have read`);
  } else if (off.length && !(why.length && off.every((host) => host.state === 'unavailable'))) {
    const told = off.length > TOLD ? off.slice(0, TOLD - 1) : off;
    why.push(...told.map((host) => troubleOf(host, now)));
    if (off.length > told.length) why.push(many(off.length - told.length, `more host ${verb.not}`, `more hosts ${verb.notMore}`));
  }
  return { headline, why, tone, streaming: streaming.length, total: reading.length };
};
