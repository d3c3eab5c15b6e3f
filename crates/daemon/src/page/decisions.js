// Holds and gaps: what somebody has to decide, and the daemon's own command for each way out.

const GAPS = {
  outdated_cursor: 'the host says that it has them no more',
  silent_hole: 'its numbers and times show it',
  future_cursor_live: 'an operator let it begin with what comes',
  future_cursor_oldest: 'an operator let it begin with its oldest event',
  poison_row: 'rows that the host cannot serve were left out, as configured',
};
// How many gaps are shown, newest first; all are in /status.
const GAPS_SHOWN = 12;

const holdWays = (daemon, host) => {
  const name = word(host.host);
  const show_ = ['See what is stored for it.', `${daemon} cursor show --host ${name}`];
  if (daemon === 'backfill') {
    return [
      show_,
      ['Leave out the rows that the host cannot serve: each range becomes a gap that is written down. Stop the daemon, and start it with this setting.', 'STANDPIPE_BACKFILL__GAPS=skip-row'],
      ['Read the whole list anew: every repo becomes an entry again. Stop the daemon first.', `${daemon} cursor clear --host ${name}`],
    ];
  }
  return [
    show_,
    ['Go on behind a seq that you know (put it in place of SEQ). Stop the daemon first.', `${daemon} cursor set --host ${name} --seq SEQ`],
    ['Begin with what comes from now on: what lies between is lost. Stop the daemon, and start it once with this setting.', 'STANDPIPE_ON_FUTURE_CURSOR=live'],
    ['Begin with the oldest that the host has: what it still has comes again. Stop the daemon, and start it once with this setting.', 'STANDPIPE_ON_FUTURE_CURSOR=oldest'],
  ];
};

const gapWays = (daemon, host, gap) => {
  const name = word(host.host);
  if (gap.reason === 'poison_row') {
    return [
      ['The host is asked for them again by itself (backfill.gaps_again). See what is stored for it.', `${daemon} cursor show --host ${name}`],
      ['Read the whole list anew: every repo becomes an entry again. Stop the daemon first.', `${daemon} cursor clear --host ${name}`],
    ];
  }
  if (daemon === 'labeler') {
    const from = gap.from === null ? 'SEQ' : String(gap.from);
    return [['If the labeler has them again: go back to before the gap; all after it comes again. Stop the daemon first.', `${daemon} cursor set --host ${name} --seq ${from}`]];
  }
  const again = ['The host has them no more. Read its repos anew, where backfill is run for it; stop backfill first.', `backfill cursor clear --host ${name}`];
  return gap.from === null ? [again] : [
    again,
    ['If the host has them after all: go back to before the gap; all after it comes again. Stop the daemon first.', `${daemon} cursor set --host ${name} --seq ${gap.from}`],
  ];
};

const gapText = (gap, now) => {
  const size = gap.from !== null && gap.to !== null && gap.to > gap.from ? `${number(gap.to - gap.from)} numbers, ` : '';
  const begin = `${gap.from === null ? 'its beginning' : gap.from}${gap.from_time ? ` (${moment(gap.from_time, now)})` : ''}`;
  const end = gap.to === null ? 'now: nothing came yet' : `${gap.to}${gap.to_time ? ` (${moment(gap.to_time, now)})` : ''}`;
  return `${size}from ${begin} to ${end}; noticed ${moment(gap.noticed_at, now)}: ${GAPS[gap.reason] ?? plain(gap.reason, 60)}.`;
};

const decisionsOf = (page, now) => {
  const daemon = word(page.daemon);
  const held = page.hosts.filter((host) => host.hold);
  const holds = held.map((host) => ({
    key: `hold ${host.host}`, tone: 'act', host: host.host, open: host === held[0],
    title: ` is held since ${moment(host.hold.since, now)}, tried ${many(host.hold.tries, 'time', 'times')}`,
    text: plain(host.hold.cause), ways: () => holdWays(daemon, host),
  }));
  const gaps = page.hosts.flatMap((host) => host.gaps.map((gap) => ({
    key: `gap ${host.host} ${gap.from} ${gap.noticed_at}`, tone: 'wait', host: host.host, open: false,
    noticed: gap.noticed_at, title: ' has a gap', text: gapText(gap, now), ways: () => gapWays(daemon, host, gap),
  })));
  gaps.sort((one, other) => one.noticed < other.noticed ? 1 : -1);
  return { holds, gaps };
};

const makeDecision = (item) => {
  const title = node('h3', '', node('i', 'mark'), node('bdi', '', plain(item.host, 253)), node('span'));
  title.firstChild.setAttribute('aria-hidden', 'true');
  const ways = node('details', '', node('summary', '', 'Ways out'));
  ways.open = item.open;
  for (const [text, line] of item.ways()) ways.append(node('p', '', text), command(line));
  const card = node('article', 'card', title, node('p', 'cause', node('bdi')), ways);
  card.dataset.tone = item.tone;
  return card;
};

const showDecisions = (page, now) => {
  const { holds, gaps } = decisionsOf(page, now);
  const items = [...holds, ...gaps.slice(0, GAPS_SHOWN)];
  show(at('decisions'), items.length > 0);
  const left = gaps.length - GAPS_SHOWN;
  const title = holds.length && gaps.length ? 'Holds and gaps' : holds.length ? 'Waits for a decision' : 'Gaps';
  say(at('decisions-title'), left > 0 ? `${title} (the last ${GAPS_SHOWN} of ${gaps.length} gaps; all are in /status)` : title);
  keep(at('decision-cards'), items, (item) => item.key, makeDecision, (card, item) => {
    say(card.querySelector('h3').lastChild, item.title);
    say(card.querySelector('.cause').firstChild, item.text);
  });
};
