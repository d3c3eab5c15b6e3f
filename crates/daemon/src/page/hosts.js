// The table: a row a host, troubled ones first.

const COLUMNS = ['Host', 'State', 'Seq', 'Lag', 'Events a second', 'In flight', 'Restarts', 'Last exit'];

const makeRow = (host) => {
  const cells = COLUMNS.map((label, index) => {
    const cell = node(index === 0 ? 'th' : 'td');
    cell.setAttribute('role', index === 0 ? 'rowheader' : 'cell');
    if (index === 0) cell.scope = 'row';
    cell.dataset.label = label;
    return cell;
  });
  const [name, state, seq, lag, events, flight, restarts, exit] = cells;
  const button = node('button', 'name', node('bdi', '', plain(host.host, 253)));
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  const found = node('span', 'tag', 'found');
  found.title = 'Named by another host, and by no settings';
  name.append(button, found);
  state.append(node('i', 'mark'), node('b'), node('span', 'for'), node('bdi', 'reason'));
  state.firstChild.setAttribute('aria-hidden', 'true');
  seq.append(node('span'), node('small'));
  events.append(node('div', 'pair', node('span', 'value'), sparkline('')));
  exit.append(node('bdi', 'clamp'));
  for (const cell of [seq, lag, flight, restarts]) cell.className = 'number';
  events.className = 'rate';
  const row = node('tr', '', ...cells);
  row.setAttribute('role', 'row');
  row.parts = { button, found, state, seq, lag, events: events.firstChild, flight, restarts, exit: exit.firstChild };
  button.addEventListener('click', () => {
    row.isOpen = !row.isOpen;
    button.setAttribute('aria-expanded', String(row.isOpen));
    redraw();
  });
  return row;
};

// What stands behind the state: what for, for how long, and what comes next.
const beside = (host) => [
  host.state === 'waiting' && host.waiting_for ? `for ${plain(host.waiting_for, 60).replaceAll('_', ' ')}` : '',
  host.state_for_ms === null ? '' : duration(host.state_for_ms),
  host.restart_in_ms === null ? '' : `next try in ${span(host.restart_in_ms)}`,
].filter(Boolean).join(', ');

const updateRow = (row, host, now) => {
  const { button, found, state, seq, lag, events, flight, restarts, exit } = row.parts;
  tell(row, 'data-tone', toneOf(host));
  tell(row, 'data-state', host.state);
  show(found, host.found);
  const [, word_, for_, reason] = state.children;
  say(word_, stateWord(host.state));
  say(for_, beside(host));
  say(reason, because(host));
  const cursor = host.cursor === null ? 'none' : plain(host.cursor, 40);
  const isSame = host.last_seq !== null && cursor === String(host.last_seq);
  say(seq.firstChild, host.last_seq === null ? (host.cursor === null ? '–' : cursor) : String(host.last_seq));
  say(seq.lastChild, isSame || host.last_seq === null ? '' : `cursor ${cursor}`);
  say(lag, duration(host.lag_ms));
  tell(lag, 'data-tone', host.lag_ms > 600000 ? 'wait' : 'ok');
  say(events.firstChild, rate(host.events_per_second));
  say(flight, bytes(host.bytes_in_flight));
  say(restarts, `${number(host.restarts_last_hour)} / ${number(host.restarts)}`);
  tell(restarts, 'data-tone', host.standing === 'over_intensity' ? 'bad' : host.restarts_last_hour > 5 ? 'wait' : 'ok');
  say(exit, lastExit(host.last_exit, now));
  tell(exit, 'title', exit.textContent);
  if (row.isOpen && !row.more) {
    const cell = node('td', '', node('dl', 'facts'));
    cell.colSpan = COLUMNS.length;
    cell.setAttribute('role', 'cell');
    row.more = node('tr', 'more', cell);
    row.more.setAttribute('role', 'row');
    row.more.id = `more-${moreRows += 1}`;
    button.setAttribute('aria-controls', row.more.id);
  }
  if (row.isOpen) facts(row.more.firstChild.firstChild, details(host, now));
};
let moreRows = 0;

const side = (look, name) => look.result === 'answers'
  ? `${name} answers${look.after_ms === null ? '' : ` after ${duration(look.after_ms)}`}`
  : `${name} ${plain(look.result, 20)}${look.cause ? ` (${plain(look.cause, 200)})` : ''}`;

const details = (host, now) => [
  ['Why', because(host)],
  ['Last exit', lastExit(host.last_exit, now)],
  ['Last seen before a try', host.last_look
    ? `${moment(host.last_look.at, now)}: ${side(host.last_look.host, 'host')}, ${side(host.last_look.sink, 'sink')}` : ''],
  ['Waits for', host.waiting_for ? plain(host.waiting_for, 60).replaceAll('_', ' ') : ''],
  ['Cursor', host.cursor === null ? 'none' : plain(host.cursor, 200)],
  ['Last seq seen', host.last_seq === null ? '' : String(host.last_seq)],
  ['Last event in the sink', host.event_time ? moment(host.event_time, now) : ''],
  ['Last delivery', host.since_delivery_ms === null ? 'none yet' : `${duration(host.since_delivery_ms)} ago`],
  ['Last sign of life', host.since_sign_ms === null ? 'none yet' : `${duration(host.since_sign_ms)} ago`],
  ['Connected since', host.connected_since ? moment(host.connected_since, now) : 'not connected'],
  ['Since the start', `${many(host.events, 'entry', 'entries')}, ${many(host.frames, 'frame', 'frames')}, ${bytes(host.bytes)}, ${many(host.connections, 'connection', 'connections')}`],
  ['Life', `${number(host.incarnation)}${host.standing === 'sound' ? '' : ', fails too often by our own doing'}`],
];

// What is shown of the table: the state that was chosen, and the text that was typed.
const chosen = { state: '', text: '' };

const matches = (host) => {
  const isOfState = chosen.state === '' || (chosen.state === '!' ? toneOf(host) !== 'ok' : host.state === chosen.state);
  const text = chosen.text.trim().toLowerCase();
  return isOfState && (text === '' || plain(host.host, 253).toLowerCase().includes(text) || because(host).toLowerCase().includes(text));
};

const showChips = (hosts) => {
  const counts = new Map();
  for (const host of hosts) counts.set(host.state, (counts.get(host.state) ?? 0) + 1);
  if (chosen.state && chosen.state !== '!' && !counts.has(chosen.state)) counts.set(chosen.state, 0);
  const troubled = hosts.filter((host) => toneOf(host) !== 'ok').length;
  const chips = [['', 'all', hosts.length]];
  if (hosts.length > 1 && (troubled || chosen.state === '!')) chips.push(['!', 'not well', troubled]);
  const order = Object.keys(STATES);
  const known = [...counts].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  if (hosts.length > 1) for (const [state, number_] of known) chips.push([state, stateWord(state), number_]);
  keep(at('chips'), hosts.length > 1 ? chips : [], ([state]) => state, ([state]) => {
    const chip = node('button', 'chip', node('span'), node('b'));
    chip.type = 'button';
    chip.addEventListener('click', () => {
      chosen.state = chosen.state === state ? '' : state;
      redraw();
      say(at('shown'), shownWord());
    });
    return chip;
  }, (chip, [state, label, number_]) => {
    say(chip.firstChild, label);
    say(chip.lastChild, number(number_));
    tell(chip, 'aria-pressed', String(chosen.state === state));
  });
};

let shownWord = () => '';

// So many rows are shown at first, so that what is below the table is near. Troubled hosts are among them.
const ROWS_AT_FIRST = 50;
let isWhole = false;

const showHosts = (page, history, now) => {
  const hosts = page.hosts.map((host, index) => ({ host, rank: TONES.indexOf(toneOf(host)) * 100000 + index }));
  hosts.sort((one, other) => one.rank - other.rank);
  const shown = hosts.map(({ host }) => host).filter(matches);
  shownWord = () => `${many(shown.length, 'host', 'hosts')} of ${number(page.hosts.length)} shown`;
  showChips(page.hosts);
  show(at('filter').parentElement, page.hosts.length > 5);
  const rows = at('rows').made ??= new Map();
  const names = new Set(page.hosts.map((host) => host.host));
  for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
  const first = isWhole || shown.length <= ROWS_AT_FIRST * 1.2 ? shown : shown.slice(0, ROWS_AT_FIRST);
  show(at('more-hosts'), first.length < shown.length);
  say(at('more-hosts'), `Show all ${number(shown.length)} hosts`);
  const elements = first.flatMap((host) => {
    let row = rows.get(host.host);
    if (!row) rows.set(host.host, row = makeRow(host));
    updateRow(row, host, now);
    const rates = history?.hosts[host.host];
    if (rates) {
      const spark = row.parts.events.lastChild;
      draw(spark, rates);
      say(spark.lastChild, rates.length > 1 ? ` between ${rate(Math.min(...rates))} and ${rate(Math.max(...rates))} over the last half hour` : '');
    }
    return row.isOpen ? [row, row.more] : [row];
  });
  keep(at('rows'), elements, (row) => row, (row) => row, () => {});
  const isEmpty = shown.length === 0;
  show(at('none'), isEmpty);
  say(at('none'), page.hosts.length === 0 ? 'The daemon reads no host yet.' : 'No host is in this state and holds this text.');
  show(at('table'), !isEmpty);
};

at('more-hosts').addEventListener('click', () => {
  isWhole = true;
  redraw();
  at('hosts').focus();
});
at('filter').addEventListener('input', ({ target }) => {
  chosen.text = target.value;
  redraw();
  say(at('shown'), shownWord());
});
