"""Style and program of the page of rankings: no library, no address, no text as HTML."""

from __future__ import annotations

STYLE = """
:root { --right: #1a7f37; --wrong: #b42318; --line: #d0d5dd; }
* { box-sizing: border-box; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 0; color: #1d2939; background: #f5f6f8; }
header { position: sticky; top: 0; z-index: 1; background: #fff; padding: .6em 1em;
         border-bottom: 1px solid var(--line); }
h1 { font-size: 1.2em; margin: 0; }
h2 { font-size: 1em; margin: 0 0 .3em; overflow-wrap: anywhere; }
h3 { font-size: .95em; margin: 0 0 .3em; overflow-wrap: anywhere; }
p { margin: .2em 0; overflow-wrap: anywhere; }
h2, h3, dd { max-height: 7em; overflow: auto; }
form { display: flex; flex-wrap: wrap; gap: .4em 1em; align-items: center; margin-top: .4em; }
label { white-space: nowrap; } input[type=number] { width: 5.5em; }
main { padding: 1em; } section { margin: 0 0 1.4em; }
.row { display: flex; gap: .6em; overflow-x: auto; padding-bottom: .4em; align-items: stretch;
       scroll-padding-left: 310px; }
article { flex: 0 0 auto; max-width: 300px; min-width: 170px; background: #fff; padding: .5em;
          border: 3px solid var(--line); border-radius: 6px; }
article.query { border-color: #1d2939; position: sticky; left: 0; }
article.right { border-color: var(--right); } article.wrong { border-color: var(--wrong); }
article:focus-visible { outline: 3px solid #1570ef; outline-offset: 1px; }
.strip { display: flex; gap: 2px; overflow-x: auto; min-height: 40px; }
.strip img { height: 128px; width: auto; flex: none; }
.lost { padding: .4em; color: var(--wrong); border: 1px dashed var(--wrong); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .6em; margin: .4em 0 0; }
dt { color: #667085; } dd { margin: 0; overflow-wrap: anywhere; }
.right .known { color: var(--right); } .wrong .known { color: var(--wrong); }
.known, .verdict { font-weight: 600; }
.answers { display: flex; gap: .4em; margin-top: .4em; }
button { font: inherit; padding: .3em .7em; border: 1px solid var(--line); border-radius: 4px;
         background: #fff; cursor: pointer; }
button[aria-pressed=true][data-answer=same] { background: var(--right); color: #fff; }
button[aria-pressed=true][data-answer=other] { background: var(--wrong); color: #fff; }
button:disabled { opacity: .45; cursor: default; }
[hidden] { display: none !important; }
@media (max-width: 600px) {
  header { position: static; } main { padding: .5em; }
  .row { flex-direction: column; }
  article { max-width: none; } article.query { position: static; } button { padding: .6em 1em; }
}
"""

FILTERS = """
<form id="filters">
<label>camera <select name="camera"><option value="">all</option>OPTIONS</select></label>
<label>similarity at least
<input name="similarity" type="number" step="0.01" min="-1" max="1"></label>
<label>from <input name="after" type="datetime-local" step="1"></label>
<label>to <input name="before" type="datetime-local" step="1"></label> (UTC)
<label><input name="unknown" type="checkbox"> only unknown persons</label>
<output id="shown"></output>
<button type="button" id="save-persons">save who is who</button>
<button type="button" id="save-answers">save answers</button>
<output id="said" role="status"></output>
</form>
"""

PROGRAM = """
'use strict';
const form = document.getElementById('filters');
const all = [...document.querySelectorAll('.hit')];
const say = text => { document.getElementById('said').textContent = text; };
const named = e => e.dataset.camera !== undefined && e.dataset.track !== undefined;
const key = e => e.dataset.camera + ',' + e.dataset.track;
const queryOf = hit => hit.closest('section').querySelector('.query');

function moment(name) {
  const text = form.elements[name].value;
  return text ? Date.parse(text + (text.length === 16 ? ':00Z' : 'Z')) : null;
}
function filter() {
  const camera = form.elements.camera.value, least = parseFloat(form.elements.similarity.value);
  const after = moment('after'), before = moment('before');
  let shown = 0;
  for (const hit of all) {
    const d = hit.dataset, start = d.start === undefined ? NaN : Number(d.start);
    hit.hidden = (camera !== '' && d.camera !== camera) || Number(d.similarity) < least ||
      (after !== null && !(start >= after)) || (before !== null && !(start <= before)) ||
      (form.elements.unknown.checked && d.pid !== undefined);
    shown += hit.hidden ? 0 : 1;
  }
  document.getElementById('shown').textContent = shown + ' of ' + all.length + ' hits shown';
}
function answer(hit, value) {
  if (hit.querySelector('[data-answer]').disabled) return;
  const now = hit.dataset.answer === value ? '' : value;
  hit.dataset.answer = now;
  for (const button of hit.querySelectorAll('[data-answer]'))
    button.setAttribute('aria-pressed', String(button.dataset.answer === now));
  const count = all.filter(h => h.dataset.answer).length;
  say(count + ' answers, not saved yet');
}
function whoIsWho() {
  const parent = new Map(), pids = new Map();
  const find = k => { while (parent.get(k) !== k) k = parent.get(k); return k; };
  for (const e of document.querySelectorAll('article')) {
    if (!named(e)) continue;
    if (!parent.has(key(e))) parent.set(key(e), key(e));
    if (e.dataset.pid !== undefined) pids.set(key(e), Number(e.dataset.pid));
  }
  const answered = all.filter(h => h.dataset.answer);
  for (const hit of answered)
    if (hit.dataset.answer === 'same') parent.set(find(key(hit)), find(key(queryOf(hit))));
  for (const hit of answered)
    if (hit.dataset.answer === 'other' && find(key(hit)) === find(key(queryOf(hit))))
      throw new Error('track ' + key(hit) + ' and track ' + key(queryOf(hit)) +
        ' (camera,track) are one person by other answers, and two by this one');
  const groups = new Map(), persons = new Map();
  for (const hit of answered) for (const e of [hit, queryOf(hit)]) {
    const root = find(key(e));
    if (!groups.has(root)) groups.set(root, new Set());
    groups.get(root).add(key(e));
  }
  let free = Math.max(0, ...pids.values());
  for (const [root, members] of groups) {
    const known = new Set([...parent.keys()].filter(k => find(k) === root && pids.has(k))
      .map(k => pids.get(k)).filter(pid => pid > 0));
    if (known.size > 1) throw new Error('tracks ' + [...members].join(' and ') +
      ' (camera,track) are one person by the answers, and persons ' + [...known].join(' and ') +
      ' by their labels');
    persons.set(root, known.size ? [...known][0] : ++free);
  }
  const lines = [];
  for (const [root, members] of groups)
    for (const member of members) lines.push(member + ',' + persons.get(root));
  return 'camera,track_id,pid\\n' + lines.sort().join('\\n') + '\\n';
}
function answers() {
  const lines = all.filter(h => h.dataset.answer).map(hit =>
    [key(queryOf(hit)), key(hit), hit.dataset.similarity, hit.dataset.answer].join(','));
  const head = 'camera,track_id,other_camera,other_track_id,similarity,answer';
  return [head, ...lines].join('\\n') + '\\n';
}
function save(name, make) {
  try {
    if (!all.some(h => h.dataset.answer)) throw new Error('no answer was given yet');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([make()], {type: 'text/csv'}));
    link.download = name;
    link.click();
    say(name + ' saved');
  } catch (error) { say(error.message); }
}
function step(from, by) {
  const seen = [...document.querySelectorAll('article')].filter(e => !e.hidden);
  const next = seen[seen.indexOf(from) + by];
  if (next) { next.focus(); next.scrollIntoView({block: 'nearest', inline: 'nearest'}); }
}
for (const hit of all) if (!named(hit) || !named(queryOf(hit)))
  for (const button of hit.querySelectorAll('[data-answer]')) {
    button.disabled = true;
    button.title = 'camera or track is unknown';
  }
document.addEventListener('click', event => {
  const button = event.target.closest('.answers button');
  if (button) answer(button.closest('.hit'), button.dataset.answer);
});
document.addEventListener('keydown', event => {
  const cell = event.target.closest('article');
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (by) { step(cell, by); event.preventDefault(); }
  if (cell.classList.contains('hit') && (event.key === 's' || event.key === 'a'))
    answer(cell, event.key === 's' ? 'same' : 'other');
});
const onClick = (id, act) => document.getElementById(id).addEventListener('click', act);
onClick('save-persons', () => save('persons.csv', whoIsWho));
onClick('save-answers', () => save('answers.csv', answers));
form.addEventListener('input', filter);
form.addEventListener('submit', event => event.preventDefault());
filter();
"""
