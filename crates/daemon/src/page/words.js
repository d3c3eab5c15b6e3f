// How things are said. Nothing here touches the document.

const NUMBER = new Intl.NumberFormat('en');
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const SHORT_CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

// What hosts write may hold anything: what cannot be seen, or turns the text around it, is shown by its number.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]/g;
const LONGEST = 600;

const plain = (text, longest = LONGEST) => {
  const whole = String(text ?? '');
  const cut = whole.length > longest ? `${whole.slice(0, longest)}…` : whole;
  return cut.replace(HIDDEN, (found) => found === '\n' || found === '\t'
    ? ' '
    : `⟨U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
};

const number = (value) => value === null || value === undefined ? '–' : NUMBER.format(value);

const rate = (value) => {
  if (value === null || value === undefined) return '–';
  return value >= 100 || Number.isInteger(value) ? NUMBER.format(Math.round(value)) : value.toFixed(1);
};

const bytes = (value) => {
  if (!value) return '0 B';
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power && scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`;
};

const duration = (ms) => {
  if (ms === null || ms === undefined) return '–';
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
};

// Whole seconds, for what is counted on the page.
const span = (ms) => ms < 1000 ? 'less than 1 s' : duration(Math.floor(ms / 1000) * 1000).replace('.0', '');

// The clock of whoever reads: to the second within the last hour, and with the day where it is not plain which.
const HOUR_MS = 3600000;
const moment = (time, now = Date.now()) => {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return plain(time, 40);
  const ago = now - at;
  if (Math.abs(ago) < HOUR_MS) return CLOCK.format(at);
  const isToday = at.toDateString() === new Date(now).toDateString();
  return isToday || (ago > 0 && ago < 12 * HOUR_MS) ? SHORT_CLOCK.format(at) : `${DAY.format(at)}, ${SHORT_CLOCK.format(at)}`;
};

const many = (count, one, more) => `${NUMBER.format(count)} ${count === 1 ? one : more}`;

const STATES = {
  not_started: 'not started', starting: 'starting', connecting: 'connecting', streaming: 'streaming', full: 'full',
  unavailable: 'sink away', parked: 'parked', held: 'held', waiting: 'waiting', backing_off: 'backing off', ended: 'ended',
};
const stateWord = (state) => STATES[state] ?? plain(state, 40);

const ENDINGS = {
  finished: 'Came to its end', stopped: 'Stopped as asked', lost: 'Lost', failed: 'Failed by our own doing',
  panicked: 'Panicked', stalled: 'Gave no sign of life', aborted: 'Did not stop in time',
};
const VERDICTS = {
  restart: 'started again', restart_at_cap: 'tried again at the longest pause', finished: 'done', stopped: 'not started again',
  gave_up: 'given up',
};

const lastExit = (exit, now) => {
  if (!exit) return '';
  const when = exit.at ? ` ${moment(exit.at, now)}` : '';
  const cause = exit.cause ? `: ${plain(exit.cause)}` : '';
  const doing = STATES[exit.state] ? ` while ${STATES[exit.state]}` : '';
  const then = VERDICTS[exit.verdict] ? `; ${VERDICTS[exit.verdict]}` : '';
  return `${ENDINGS[exit.ending] ?? plain(exit.ending, 40)}${when}, after ${duration(exit.ran_for_ms)}${doing}${cause}${then}`;
};

// A word of a command line, as a shell takes it for one word, whatever it holds.
const word = (text) => {
  const kept = plain(text, 253);
  return /^[A-Za-z0-9_.:@%+,/=-]+$/.test(kept) ? kept : `'${kept.replaceAll("'", "'\\''")}'`;
};
