const text = (element) => element.innerText.replace(/\s+/g, ' ').trim();
const isShown = (element) => element.checkVisibility();
const list = (root) => Object.fromEntries([...root.querySelectorAll('div')].map((pair) => [pair.firstChild.textContent, pair.lastChild.textContent]));
const shown = () => ({
  headline: text(document.getElementById('headline')),
  why: [...document.getElementById('why').children].map(text),
  tone: document.body.dataset.tone,
  title: document.title,
  alarm: isShown(document.getElementById('alarm')) ? text(document.getElementById('alarm')) : null,
  age: text(document.getElementById('age')),
  daemon: text(document.getElementById('daemon')),
  sink: {
    title: text(document.getElementById('sink-title')),
    entries: text(document.getElementById('entries')),
    of: text(document.getElementById('entries-of')),
    marks: text(document.getElementById('marks')),
    meter: isShown(document.getElementById('bar')) ? document.getElementById('bar').getAttribute('aria-valuenow') : null,
    facts: list(document.getElementById('sink-facts')),
  },
  chips: [...document.querySelectorAll('.chip')].map((chip) => [chip.firstChild.textContent, chip.lastChild.textContent]),
  rows: [...document.querySelectorAll('#rows > tr:not(.more)')].filter(isShown).map((row) => ({
    tone: row.dataset.tone,
    host: row.querySelector('.name').textContent,
    found: isShown(row.querySelector('.tag')),
    state: row.children[1].querySelector('b').textContent,
    beside: row.children[1].querySelector('.for').textContent,
    reason: row.children[1].querySelector('.reason').textContent,
    seq: row.children[2].firstChild.textContent,
    cursor: row.children[2].lastChild.textContent,
    lag: row.children[3].textContent,
    rate: row.querySelector('.value').textContent,
    flight: row.children[5].textContent,
    restarts: row.children[6].textContent,
    exit: row.children[7].textContent,
  })),
  decisions: [...document.querySelectorAll('#decision-cards > *')].map((card) => ({
    title: card.querySelector('h3').textContent,
    cause: card.querySelector('.cause').textContent,
    commands: [...card.querySelectorAll('code')].map((code) => code.textContent),
  })),
  found: list(document.getElementById('found-facts')),
  lists: [...document.querySelectorAll('#list-cards > *')].map((card) => ({
    title: card.querySelector('h3').textContent,
    facts: list(card),
  })),
  incidents: [...document.querySelectorAll('#incident-list > li')].map((line) => ({
    at: line.querySelector('time').dateTime,
    text: line.lastChild.textContent,
  })),
  build: list(document.getElementById('build-facts')),
  settings: [...document.querySelectorAll('#settings > tr')].map((row) => [...row.children].map((cell) => cell.textContent)),
});
return fetch('status', { cache: 'no-store' }).then((answer) => answer.json()).then((status) => ({ status, shown: shown() }));
