// Asks the daemon again and again, and says when it does not answer.

const ASK_EVERY_MS = 2000;
const ASK_AT_LEAST_EVERY_MS = 6000;
const ASK_WHEN_HIDDEN_EVERY_MS = 60000;
const HISTORY_EVERY_MS = 10000;
const GIVE_UP_AFTER_MS = 6000;
// Older than this, what is shown is called old.
const OLD_AFTER_MS = 10000;

const known = { page: null, history: null, incidents: [], heardAt: null, skewMs: 0, trouble: null, run: null, tone: 'idle' };
const asking = { timer: null, isUnderWay: false, failures: 0, historyAt: 0, newest: null, shownAt: 0 };

const fetchJson = async (path) => {
  const answer = await fetch(path, { cache: 'no-store', credentials: 'same-origin', redirect: 'error', signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
  if (!answer.ok) throw new Error(`it answers ${answer.status} to ${path}`);
  return [await answer.json(), answer.headers.get('date')];
};

// The daemon's clock, as far as it is known.
const daemonNow = () => Date.now() + known.skewMs;

const ask = async () => {
  if (asking.isUnderWay) return;
  asking.isUnderWay = true;
  clearTimeout(asking.timer);
  const began = performance.now();
  try {
    const [page, date] = await fetchJson('status');
    if (!Array.isArray(page.hosts)) throw new Error('its answer is not what this page knows');
    const said = Date.parse(date ?? '');
    // The head has whole seconds; only what is clearly off is taken into account.
    known.skewMs = Math.abs(said - Date.now()) > 2000 ? said - Date.now() : 0;
    if (known.run !== null && page.run !== known.run) asking.historyAt = 0;
    Object.assign(known, { page, heardAt: performance.now(), trouble: null, run: page.run });
    asking.failures = 0;
    await askForMore(page);
  } catch (error) {
    asking.failures += 1;
    known.trouble = error.name === 'TimeoutError' ? 'it takes the connection and says nothing'
      : error instanceof TypeError ? 'nobody is there' : plain(error.message, 200);
  }
  asking.isUnderWay = false;
  redraw();
  // A daemon that is slow to answer, far away or gone is asked less often.
  const pause = Math.min(ASK_AT_LEAST_EVERY_MS, Math.max(ASK_EVERY_MS * (1 + asking.failures), (performance.now() - began) * 8));
  asking.timer = setTimeout(ask, document.hidden ? ASK_WHEN_HIDDEN_EVERY_MS : pause);
};

// What changes seldom. That it fails is no trouble as long as the daemon tells how it is.
const askForMore = async (page) => {
  const newest = page.recent_incidents[0]?.at ?? null;
  try {
    if (performance.now() - asking.historyAt >= HISTORY_EVERY_MS || asking.historyAt === 0) {
      [known.history] = await fetchJson('history');
      asking.historyAt = performance.now();
    }
    if (newest !== asking.newest || known.incidents.length === 0) {
      [known.incidents] = await fetchJson('incidents');
      asking.newest = newest;
    }
  } catch {
    known.incidents = known.incidents.length ? known.incidents : page.recent_incidents;
  }
};

const ICONS = { ok: '1a7f4b', wait: 'c98500', act: '8a4fd0', bad: 'cc3a30', idle: '808890' };
const paint = (tone) => {
  if (known.tone === tone) return;
  known.tone = tone;
  tell(document.body, 'data-tone', tone);
  const icon = at('icon').href.replace(/fill='%23[0-9a-f]+'/, `fill='%23${ICONS[tone]}'`);
  at('icon').href = icon;
};

// Said every second: only how old what is shown is.
const sayAge = () => {
  const age = known.heardAt === null ? null : performance.now() - known.heardAt;
  const isWatched = !document.hidden && performance.now() - asking.shownAt > GIVE_UP_AFTER_MS;
  const isOld = age !== null && age > OLD_AFTER_MS && isWatched;
  const isGone = known.trouble !== null;
  document.body.classList.toggle('old', isOld || (isGone && age !== null));
  say(at('age'), age === null ? (isGone ? 'no answer' : 'asking …') : age < 3000 ? 'live' : `${span(age)} old`);
  if (!isGone && !isOld) {
    show(at('alarm'), false);
    say(at('alarm'), '');
    return;
  }
  const since = age === null ? '' : ` since ${moment(Date.now() - age)}`;
  const below = age === null ? 'It is asked again every few seconds.' : 'What is below is from then.';
  const text = isGone
    ? `The daemon does not answer${since}: ${known.trouble}. ${below}`
    : `Nothing was heard of the daemon${since}. ${below}`;
  say(at('alarm'), text);
  show(at('alarm'), true);
  if (isGone) {
    paint('bad');
    if (known.page === null) say(at('headline'), 'The daemon does not answer');
    document.title = `no answer · ${plain(known.page?.daemon ?? 'standpipe', 40)}`;
  }
};

const redraw = () => {
  const { page, history } = known;
  if (page !== null) {
    const now = daemonNow();
    show(at('live'), true);
    say(at('daemon'), plain(page.daemon, 60));
    say(at('facts'), `${plain(page.build.version, 60)} · up ${span(page.uptime_ms)}`);
    const verdict = verdictOf(page, now);
    if (known.trouble === null) {
      say(at('headline'), verdict.headline);
      keep(at('why'), verdict.why, (line) => verdict.why.indexOf(line), () => node('p'), (line, text) => say(line, text));
      paint(verdict.tone);
      document.title = `${verdict.streaming}/${verdict.total} · ${plain(page.daemon, 40)}`;
    }
    showDecisions(page, now);
    showSink(page, history, now);
    showHosts(page, history, now);
    showLists(page, now);
    showIncidents(known.incidents, now);
    showBuild(page, now);
  }
  sayAge();
};

document.addEventListener('visibilitychange', () => {
  asking.shownAt = performance.now();
  if (!document.hidden) ask();
});
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
say(at('zone'), `Times are those of this browser${zone ? ` (${zone})` : ''}.`);
setInterval(sayAge, 1000);
ask();
