// Where entries go: how much lies there against both marks, how fast it takes them, and who writes.

const KINDS = { redis: 'Redis stream', log: 'Embedded log', stdout: 'Standard output' };

const sinkSpark = sparkline('');

// How the stream grows, over the last minute, and what comes of it.
const growth = (entries, everyMs, highWater) => {
  const points = Math.round(60000 / everyMs);
  const [then, now] = [entries.at(-1 - points) ?? null, entries.at(-1) ?? null];
  if (then === null || now === null) return null;
  const aSecond = (now - then) / 60;
  if (Math.abs(aSecond) < 0.05) return 'steady';
  const left = (highWater - now) / aSecond;
  const full = aSecond > 0 && highWater && left > 0 ? `; full in about ${duration(left * 1000)}` : '';
  return aSecond > 0 ? `grows by ${rate(aSecond)} a second${full}` : `shrinks by ${rate(-aSecond)} a second`;
};

const showSink = (page, history, now) => {
  const { sink, hosts } = page;
  const high = sink.high_water;
  say(at('sink-title'), `${KINDS[sink.kind] ?? plain(sink.kind, 40)} ${plain(sink.stream, 80)}`);
  say(at('entries'), sink.entries === null ? 'Length not known' : number(sink.entries));
  const part = high && sink.entries !== null ? sink.entries / high : null;
  const percent = part === null ? '' : part > 0 && part < 0.01 ? 'less than 1 %' : `${Math.floor(part * 100)} %`;
  say(at('entries-of'), sink.entries === null ? '' : high ? `entries, ${percent} of the high-water mark` : 'entries');
  show(at('bar'), part !== null);
  if (part !== null) {
    const scale = Math.max(high * 1.08, sink.entries);
    const x = (value) => String(Math.round(value / scale * 1000));
    tell(at('bar-fill'), 'width', x(sink.entries));
    for (const [id, mark] of [['bar-low', sink.low_water], ['bar-high', high]]) {
      tell(at(id), 'visibility', mark === null ? 'hidden' : 'visible');
      tell(at(id), 'x1', x(mark ?? 0));
      tell(at(id), 'x2', x(mark ?? 0));
    }
    tell(at('bar'), 'aria-valuemax', String(Math.max(high, sink.entries)));
    tell(at('bar'), 'aria-valuenow', String(sink.entries));
    tell(at('bar'), 'aria-valuetext', `${number(sink.entries)} entries, ${percent} of ${number(high)}`);
    const isFull = hosts.some((host) => host.state === 'full' || host.state === 'parked');
    tell(at('bar'), 'data-tone', part >= 1 || isFull ? 'wait' : 'ok');
  }
  const lowMark = sink.low_water === null ? '' : `, goes on at ${number(sink.low_water)}`;
  say(at('marks'), high ? `Delivery waits at ${number(high)}${lowMark}` : 'It has no mark at which delivery waits');
  const last = sink.last_delivery;
  const writing = hosts.filter((host) => host.since_delivery_ms !== null && host.since_delivery_ms < 60000);
  const names = `${many(writing.length, 'host', 'hosts')} in the last minute`;
  facts(at('sink-facts'), [
    ['Answers', sink.answers === null ? 'not asked yet' : sink.answers ? '' : `no: ${plain(sink.trouble)}`],
    ['Last delivery', last ? `took ${duration(Math.max(last.took_ms, 1))}, ${span(Math.max(0, now - Date.parse(last.at)))} ago` : 'none yet'],
    ['Writing', writing.length ? `${names}${last ? `; last ${plain(last.host, 80)}` : ''}` : 'nobody in the last minute'],
    ['Trend', history ? growth(history.entries, history.every_ms, high) : null],
  ]);
  tell(at('sink'), 'data-tone', sink.answers === false ? 'bad' : 'ok');
  if (history && history.entries.length > 1) {
    if (!sinkSpark.isConnected) at('marks').after(sinkSpark);
    draw(sinkSpark, history.entries);
  }
};
