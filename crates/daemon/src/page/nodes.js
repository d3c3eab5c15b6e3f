// The document is changed in place: a cell that says the same is left alone.

const SVG = 'http://www.w3.org/2000/svg';
const at = (id) => document.getElementById(id);

const node = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
};

// All text goes into the document here, and as text.
const say = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
const tell = (element, name, value) => {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
};
const show = (element, isShown) => {
  if (element.hidden === isShown) element.hidden = !isShown;
};

// Brings the children of an element in line with a list, by key; what stays is moved only where the order changes.
const keep = (parent, items, keyOf, make, update) => {
  const kept = parent.kept ??= new Map();
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const gone = new Set(kept.keys());
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    gone.delete(key);
    let element = kept.get(key);
    if (!element) {
      element = make(item);
      kept.set(key, element);
    }
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
  for (const key of gone) {
    kept.get(key).remove();
    kept.delete(key);
  }
  if (focused && document.activeElement !== focused && focused.isConnected) focused.focus({ preventScroll: true });
};

// Terms and what they are, in a list of definitions.
const facts = (list, pairs) => keep(
  list, pairs.filter(([, value]) => value !== null && value !== undefined && value !== ''), ([term]) => term,
  ([term]) => node('div', '', node('dt', '', term), node('dd')),
  (pair, [, value]) => say(pair.lastChild, value),
);

const sparkline = (label) => {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({
    class: 'spark', viewBox: '0 0 180 20', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false',
  })) svg.setAttribute(name, value);
  svg.append(document.createElementNS(SVG, 'path'), document.createElementNS(SVG, 'path'));
  svg.firstChild.setAttribute('class', 'area');
  svg.lastChild.setAttribute('class', 'line');
  return node('span', 'sparkline', svg, node('span', 'unseen', label));
};

// The newest is at the right edge; what was before the beginning is left empty. At first it is drawn wider, so that there
// is something to be seen.
const WIDTH = 180;
const FEWEST = 30;
const draw = (element, values) => {
  if (element.drawn === values) return;
  element.drawn = values;
  const places = Math.max(FEWEST, values.length);
  const step = WIDTH / places;
  const top = Math.max(1, ...values.map((value) => value ?? 0));
  let line = '';
  let area = '';
  let began = null;
  values.forEach((value, index) => {
    const x = ((places - values.length + index + 0.5) * step).toFixed(1);
    if (value === null) {
      if (began !== null) area += `V20H${began}Z`;
      began = null;
      return;
    }
    const y = (19 - value / top * 18).toFixed(1);
    line += `${began === null ? 'M' : 'L'}${x} ${y}`;
    area += began === null ? `M${x} 20V${y}` : `L${x} ${y}`;
    began ??= x;
  });
  if (began !== null) area += `V20H${began}Z`;
  const [below, above] = element.firstChild.children;
  tell(below, 'd', area || 'M0 0');
  tell(above, 'd', line || 'M0 0');
};

// A command with a button that copies it. Where the browser keeps the clipboard to itself, it is selected instead.
const command = (line) => {
  const code = node('code', '', line);
  const button = node('button', 'copy', 'Copy');
  button.type = 'button';
  button.setAttribute('aria-label', `Copy: ${line}`);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(line);
      say(button, 'Copied');
      say(at('said'), 'Copied');
    } catch {
      getSelection().selectAllChildren(code);
      say(button, 'Selected');
      say(at('said'), 'Selected; copy it by hand');
    }
    setTimeout(() => {
      say(button, 'Copy');
      say(at('said'), '');
    }, 2000);
  });
  return node('div', 'command', code, button);
};
