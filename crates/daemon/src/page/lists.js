// Enumerations, incidents, build and settings.

const ROUNDS = { first: 'Everything, once', new: 'What came since', again: 'Everything once more' };

// How many lists are shown: those that are under way come first. All are in /status.
const LISTS_SHOWN = 24;

const showFound = (found) => facts(at('found-facts'), found === null ? [] : [
  ['Hosts that others named', number(found.hosts)],
  ['Of these', Object.entries(found.states).map(([state, count_]) => `${number(count_)} ${stateWord(state)}`).join(', ')],
  ['Enumerated whole', number(found.done)],
  ['Their repos', `${number(found.repos)}${found.estimated_repos === null ? '' : ` of about ${number(found.estimated_repos)}`}`],
]);

const showLists = (page, now) => {
  const listed = page.hosts.filter((host) => host.enumeration);
  const found = page.found_hosts ?? null;
  show(at('lists'), listed.length > 0 || found !== null);
  showFound(found);
  const shown = [...listed.filter((host) => !host.enumeration.done), ...listed.filter((host) => host.enumeration.done)].slice(0, LISTS_SHOWN);
  say(at('lists-title'), listed.length > shown.length ? `Enumerations (${LISTS_SHOWN} of ${number(listed.length)}; all are in /status)` : 'Enumerations');
  keep(at('list-cards'), shown, (host) => host.host, (host) => {
    const progress = node('progress');
    progress.max = 100;
    const card = node('article', 'card', node('h3', '', node('bdi', '', plain(host.host, 253)), node('span')), progress, node('dl', 'facts'));
    progress.setAttribute('aria-label', `Progress of ${plain(host.host, 253)}, by an estimate`);
    return card;
  }, (card, { enumeration: list }) => {
    const [title, progress, list_] = card.children;
    const percent = list.estimated_percent;
    say(title.lastChild, ` · ${ROUNDS[list.round] ?? plain(list.round, 40)}${percent === null ? '' : ` · about ${Math.floor(percent)} %`}`);
    show(progress, percent !== null);
    if (percent !== null) progress.value = Math.min(100, percent);
    const done = list.done;
    facts(list_, [
      ['Repos', `${list.exact ? '' : 'at least '}${number(list.repos)}${list.estimated_repos === null ? '' : ` of about ${number(list.estimated_repos)}`}`],
      ['Became entries', number(list.entries)],
      ['Pages', number(list.pages)],
      ['Repos a second', rate(list.repos_per_second)],
      ['Left, at this rate', list.estimated_seconds_left === null ? '' : `about ${duration(list.estimated_seconds_left * 1000)}`],
      ['Left out', list.withheld ? many(list.withheld, 'range', 'ranges') : ''],
      ['Began', moment(list.began_at, now)],
      ['Last whole one', done ? `${moment(done.at, now)}: ${done.exact ? '' : 'at least '}${many(done.repos, 'repo', 'repos')}, ${many(done.entries, 'entry', 'entries')}, in ${duration(Date.parse(done.at) - Date.parse(done.began_at))}` : 'none yet'],
    ]);
  });
};

const HOWS = {
  clean: 'stopped as asked', fatal: 'ended with an error', signal: 'died of a signal', killed: 'was killed, without a farewell',
  out_of_memory: 'was killed for its memory', rebooted: 'ended with the machine', still_running: 'still runs', none: 'there was none',
};
const how = (end) => {
  const word_ = HOWS[end.how] ?? plain(end.how, 60).replaceAll('_', ' ');
  const cause = end.cause ?? end.signal ?? end.reason;
  return `${word_}${cause ? ` (${plain(cause, 300)})` : ''}`;
};

const TELLS = {
  run_started: (it) => ['idle', '', `The daemon began, version ${plain(it.version, 40)}, ${many(it.hosts_total, 'host', 'hosts')}. The run before: ${how(it.last_run ?? {})}`],
  run_ended: (it) => [it.how === 'clean' ? 'idle' : 'bad', '', `The daemon ended: ${how(it)}, after ${duration(it.uptime_ms)}`],
  child_ended: (it) => [
    it.ending === 'lost' ? 'wait' : it.ending === 'stopped' || it.ending === 'finished' ? 'idle' : 'bad',
    it.host ?? it.child,
    ` ${(ENDINGS[it.ending] ?? plain(it.ending, 40)).toLowerCase()} after ${duration(it.ran_for_ms)}${STATES[it.state] ? ` while ${STATES[it.state]}` : ''}${it.cause ? `: ${plain(it.cause)}` : ''}`,
  ],
  held: (it) => ['act', it.host, ` is held${it.cause ? `: ${plain(it.cause)}` : ''}`],
  released: (it) => ['ok', it.host, ' goes on after a hold'],
  moved: (it) => ['idle', it.host, ` moved from ${plain(it.from, 200)} to ${plain(it.to, 200)}`],
  gap: (it) => ['wait', it.host, ` has a gap from ${plain(it.from ?? 'its beginning', 40)} to ${plain(it.to ?? 'now', 40)}: ${GAPS[it.reason] ?? plain(it.reason, 60)}`],
  over_intensity: (it) => ['bad', it.host ?? it.child, ' fails too often by our own doing'],
  omitted: (it) => ['bad', '', `${many(it.records, 'record', 'records')} could not be kept (${plain(it.reason, 40)})`],
};

// The same that happens again and again is one line.
const grouped = (records) => {
  const groups = [];
  for (const record of records) {
    const known = TELLS[record.kind] ?? ((it) => ['idle', it.host ?? '', ` ${plain(it.kind, 60)}`]);
    const [tone, host, text] = known(record);
    const same = `${record.kind} ${host} ${record.ending ?? ''} ${record.cause ?? ''}`;
    const last = groups.at(-1);
    if (last && record.kind === 'child_ended' && last.same === same) {
      last.times += 1;
      last.first = record.at;
    } else {
      groups.push({ key: `${record.at} ${same}`, same, tone, host, text, at: record.at, first: record.at, times: 1 });
    }
  }
  return groups;
};

const INCIDENTS_SHOWN = 15;
let isAllShown = false;

const showIncidents = (records, now) => {
  const groups = grouped(records);
  const shown = isAllShown ? groups : groups.slice(0, INCIDENTS_SHOWN);
  keep(at('incident-list'), shown, (group) => group.key, (group) => {
    const time = node('time');
    const line = node('li', '', node('i', 'mark'), time, node('span', '', node('bdi', 'host'), node('bdi')));
    line.firstChild.setAttribute('aria-hidden', 'true');
    line.dataset.tone = group.tone;
    time.dateTime = group.at;
    time.title = group.at;
    return line;
  }, (line, group) => {
    const [, time, text] = line.children;
    say(time, moment(group.at, now));
    say(text.firstChild, plain(group.host, 253));
    const times = group.times > 1 ? ` (${number(group.times)} times since ${moment(group.first, now)})` : '';
    say(text.lastChild, group.text + times);
  });
  show(at('no-incidents'), groups.length === 0);
  const left = groups.length - shown.length;
  show(at('more-incidents'), left > 0);
  say(at('more-incidents'), `Show ${many(left, 'more', 'more')}`);
};

at('more-incidents').addEventListener('click', () => {
  isAllShown = true;
  redraw();
});

const showBuild = (page, now) => {
  facts(at('build-facts'), [
    ['Version', `${plain(page.build.version, 60)}${page.build.revision ? ` (${plain(page.build.revision, 60)})` : ''}`],
    ['Run', plain(page.run ?? '', 80)],
    ['Started', moment(page.started_at, now)],
    ['Up', span(page.uptime_ms)],
  ]);
  say(at('settings-count'), `(${number(page.settings.length)})`);
  keep(at('settings'), page.settings, (setting) => setting.key, () => node('tr', '', node('th'), node('td'), node('td')), (row, setting) => {
    const [key, value, place] = row.children;
    key.scope = 'row';
    say(key, plain(setting.key, 200));
    say(value, setting.value === null ? '–' : plain(setting.value));
    say(place, plain(setting.place, 300));
    tell(row, 'data-default', String(setting.place === 'default'));
  });
};
