'use strict';
// Text of others is only ever set as text, never as HTML.
const $ = id => document.getElementById(id);
const STRIP = 6, PLAYED = 100, FRAMES_PER_SECOND = 8, PAGE = 24;
const state = {gallery: null, next: null, query: null, turn: 0, players: new Map()};

function say(text, isBad = false) {
  $('said').textContent = text;
  $('said').classList.toggle('bad', isBad);
}
async function ask(path, options = {}) {
  const response = await fetch(path, {credentials: 'same-origin', ...options});
  const answer = await response.json().catch(() => ({error: 'the server gave no answer'}));
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}
const send = (path, body) => ask(path, {
  method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
const guarded = act => async (...given) => {
  try { return await act(...given); } catch (error) { say(error.message, true); }
};
function element(kind, text = '', attributes = {}) {
  const made = document.createElement(kind);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
function button(text, act, attributes = {}) {
  const made = element('button', text, {type: 'button', ...attributes});
  made.addEventListener('click', guarded(act));
  return made;
}
const moment = input => input.value ? input.value + (input.value.length === 16 ? ':00Z' : 'Z') : null;
const number = input => input.value === '' ? null : Number(input.value);

// Cards ---------------------------------------------------------------------------------------
const frameOf = (tracklet, index) => `api/tracklets/${tracklet.id}/frames/${index}`;
function spread(count, most) {
  const chosen = Math.min(count, most);
  return Array.from({length: chosen}, (_, i) =>
    chosen === 1 ? 0 : Math.round(i * (count - 1) / (chosen - 1)));
}
function fillStrip(strip, tracklet) {
  strip.classList.remove('playing');
  const images = spread(tracklet.frames, STRIP).map(index =>
    element('img', '', {alt: '', loading: 'lazy', src: frameOf(tracklet, index)}));
  strip.replaceChildren(...images);
  if (!images.length) strip.append(element('span', 'no frames are there', {class: 'lost'}));
}
function stop(card) {
  const player = state.players.get(card);
  if (!player) return false;
  clearInterval(player);
  state.players.delete(card);
  return true;
}
async function play(card, tracklet) {
  const strip = card.querySelector('.strip');
  if (stop(card)) { fillStrip(strip, tracklet); return; }
  if (!tracklet.frames) { say('there are no frames to play'); return; }
  const image = element('img', '', {alt: 'playing'});
  const frames = spread(tracklet.frames, PLAYED).map(index => {
    const frame = new Image();
    frame.src = frameOf(tracklet, index);
    return frame;
  });
  image.src = frames[0].src;
  strip.replaceChildren(image);
  strip.classList.add('playing');
  let at = 0;
  state.players.set(card, setInterval(() => {
    if (!card.isConnected) { stop(card); return; }
    at = (at + 1) % frames.length;
    if (frames[at].complete) image.src = frames[at].src;
    card.dataset.played = at;
  }, 1000 / FRAMES_PER_SECOND));
}
function clock(seconds) {
  const whole = Math.floor(seconds), pad = value => String(value).padStart(2, '0');
  return '@' + pad(Math.floor(whole / 60)) + ':' + pad(whole % 60);
}
function factsOf(tracklet) {
  const facts = [['camera', tracklet.camera ?? 'unknown']];
  if (tracklet.start) facts.push(['time', tracklet.start.slice(0, 19).replace('T', ' ') + ' UTC']);
  if (tracklet.video) facts.push(['video', tracklet.video +
    (tracklet.first_time == null ? '' : clock(tracklet.first_time))]);
  if (tracklet.track != null) facts.push(['track', tracklet.track]);
  facts.push(['person', tracklet.pid == null ? 'unknown' : tracklet.pid +
    (tracklet.pid_source && tracklet.pid_source !== 'unknown' ? ` (${tracklet.pid_source})` : '')]);
  if (tracklet.quality != null) facts.push(['quality', tracklet.quality.toFixed(2)]);
  facts.push(['id', tracklet.id]);
  return facts;
}
function showFacts(card, tracklet) {
  const list = card.querySelector('dl');
  list.replaceChildren();
  for (const [name, value] of factsOf(tracklet)) list.append(element('dt', name), element('dd', value));
}
function makeCard(tracklet, kind, heading) {
  const card = element('article', '', {class: kind, tabindex: 0, 'aria-label': heading});
  card.tracklet = tracklet;
  const strip = element('div', '', {class: 'strip'}), actions = element('div', '', {class: 'actions'});
  card.append(element('h3', heading), strip, element('dl'), actions);
  fillStrip(strip, tracklet);
  showFacts(card, tracklet);
  actions.append(button('play', () => play(card, tracklet), {'data-do': 'play'}));
  if (kind !== 'query') actions.append(button('find', () => search(tracklet.id), {'data-do': 'find'}));
  if (!tracklet.is_upload) actions.append(whoForm(card));
  actions.append(button('delete', () => askToDelete(card), {'data-do': 'delete'}));
  return card;
}
function whoForm(card) {
  const input = element('input', '', {type: 'number', min: -1, 'aria-label': 'person'});
  const form = element('form');
  input.value = card.tracklet.pid ?? '';
  form.append(input, element('button', 'set person', {title: 'empty: unknown'}));
  form.addEventListener('submit', guarded(async event => {
    event.preventDefault();
    const {pid} = await send(`api/tracklets/${card.tracklet.id}/person`, {pid: number(input)});
    learn(card.tracklet.id, pid);
    say(pid == null ? 'unknown again' : 'this is person ' + pid);
  }));
  return form;
}
function learn(id, pid) {
  for (const card of document.querySelectorAll('article')) {
    if (card.tracklet.id !== id) continue;
    Object.assign(card.tracklet, {pid, pid_source: pid == null ? 'unknown' : 'confirmed'});
    showFacts(card, card.tracklet);
    const input = card.querySelector('.actions form input');
    if (input) input.value = pid ?? '';
  }
  colour();
}

// The list --------------------------------------------------------------------------------------
async function list(isMore = false) {
  const form = $('list-filters').elements, asked = new URLSearchParams({limit: PAGE});
  for (const [name, value] of [['camera', form.camera.value], ['after', moment(form.after)],
    ['before', moment(form.before)], ['video', form.video.value], ['pid', form.pid.value],
    ['beyond', isMore ? state.next : null]]) if (value !== null && value !== '') asked.set(name, value);
  const turn = ++state.turn;
  const {tracklets, next} = await ask('api/tracklets?' + asked);
  if (turn !== state.turn) return;  // something else was asked for meanwhile
  const cards = tracklets.map(t => makeCard(t, 'open', t.name || t.id));
  if (isMore) $('tracklets').append(...cards); else $('tracklets').replaceChildren(...cards);
  state.next = next;
  $('more').hidden = next === null;
  say($('tracklets').children.length + ' tracklets shown' + (next === null ? '' : ', there are more'));
}

// The search --------------------------------------------------------------------------------------
function show(name) {
  for (const other of ['list', 'found']) {
    $(other).hidden = other !== name;
    $('show-' + other).setAttribute('aria-pressed', String(other === name));
  }
}
async function search(id) {
  const form = $('found-filters').elements, camera = form.camera.value;
  const turn = ++state.turn;
  say('searching');
  const found = await send('api/search', {
    id, cameras: camera === '' ? null : [Number(camera)], after: moment(form.after),
    before: moment(form.before), topk: number(form.topk) || 20, exclude_same_camera: form.others.checked});
  if (turn !== state.turn) return;
  state.query = found.query;
  const query = makeCard(found.query, 'query', 'query: ' + (found.query.name || id));
  $('query').replaceChildren(query);
  $('hits').replaceChildren(...found.hits.map(makeHit));
  const left = Object.entries(found.excluded).map(([reason, count]) => `${count} ${reason}`);
  $('searched').textContent = found.searched + ' tracklets searched' +
    (left.length ? ', left out: ' + left.join(', ') : '') + (found.hits.length ? '' : '; nothing was found');
  $('show-found').disabled = false;
  show('found');
  filter();
  colour();
  scrollTo(0, 0);
  say(found.hits.length + ' hits');
  query.focus({preventScroll: true});
}
function makeHit(hit) {
  const card = makeCard(hit, 'hit', `${hit.rank} · ${hit.similarity.toFixed(3)}`);
  if (hit.verdict) card.querySelector('dl').after(element('p', hit.verdict, {class: 'verdict'}));
  const answers = element('div', '', {class: 'answers'});
  answers.append(
    button('same', () => answer(card, true), {'data-answer': 'same'}),
    button('another', () => answer(card, false), {'data-answer': 'other'}));
  card.append(answers);
  return card;
}
async function answer(card, isSame) {
  const hit = card.tracklet, query = state.query;
  const given = !isSame && hit.rejected ? null : isSame;
  const {pid} = await send('api/answers', {id: query.id, other: hit.id, same: given});
  hit.rejected = given === false;
  if (given) {
    query.pid = pid;
    learn(query.id, pid);
    learn(hit.id, pid);
  }
  colour();
  say(given ? `both are person ${pid}` : given === false ? 'remembered: another person' : 'taken back');
}
function isSamePerson(hit) {
  return hit.pid != null && hit.pid > 0 && hit.pid === state.query.pid;
}
function colour() {
  for (const card of document.querySelectorAll('.hit')) {
    const same = isSamePerson(card.tracklet), rejected = Boolean(card.tracklet.rejected);
    card.classList.toggle('same', same);
    card.classList.toggle('rejected', rejected);
    card.querySelector('[data-answer=same]').setAttribute('aria-pressed', String(same));
    card.querySelector('[data-answer=other]').setAttribute('aria-pressed', String(rejected));
  }
}
function filter() {
  const form = $('found-filters').elements, least = parseFloat(form.similarity.value);
  const cards = [...document.querySelectorAll('.hit')];
  for (const card of cards) {
    const hit = card.tracklet;
    card.hidden = hit.similarity < least || (form.unknown.checked && hit.pid != null) ||
      (form.open.checked && (hit.rejected || isSamePerson(hit)));
  }
  $('shown').textContent = `${cards.filter(c => !c.hidden).length} of ${cards.length} hits shown`;
}

// Forgetting --------------------------------------------------------------------------------------
let doomed = null;
function askToDelete(card) {
  doomed = card;
  const {name, id, is_upload: isUpload} = card.tracklet;
  $('sure-text').textContent = isUpload ? 'Forget these crops? The server has them in memory alone.' :
    `Delete ${name || id} from the gallery? Its row and feature cannot be brought back; ` +
    'the pictures of its crops stay where they are.';
  $('sure').showModal();
  $('sure-no').focus();
}
async function remove() {
  const {id} = doomed.tracklet;
  $('sure').close();
  await ask(`api/tracklets/${id}`, {method: 'DELETE'});
  for (const card of document.querySelectorAll('article')) if (card.tracklet.id === id) {
    stop(card);
    card.remove();
  }
  if (state.query && state.query.id === id) {
    $('hits').replaceChildren();
    $('show-found').disabled = true;
    show('list');
  }
  await describe();
  filter();
  say('deleted');
}

// Crops of others -----------------------------------------------------------------------------------
async function sendCrops() {
  const form = $('crops').elements, data = new FormData();
  const chosen = [...form.folder.files, ...form.files.files].filter(f => /\.(jpe?g|png|npy)$/i.test(f.name));
  if (!chosen.length) throw new Error('choose a folder or files of JPEG or PNG crops first');
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  if (size > state.gallery.most_bytes) throw new Error(
    `at most ${state.gallery.most_bytes} bytes can be sent at once, these are ${size}`);
  for (const file of chosen) data.append('crops', file, file.webkitRelativePath || file.name);
  if (form.camera.value !== '') data.append('camera', form.camera.value);
  say(`${chosen.length} files are sent and looked at`);
  const upload = await ask('api/uploads', {method: 'POST', body: data});
  if (upload.camera === null) $('found-filters').elements.others.checked = false;
  await search(upload.id);
}

// The page ------------------------------------------------------------------------------------------
async function describe() {
  const gallery = state.gallery = await ask('api/gallery');
  $('title').textContent = document.title = 'Gallery ' + gallery.name;
  $('facts').textContent = `${gallery.tracklets} tracklets of ${gallery.cameras.length} cameras, model ` +
    gallery.model.slice(0, 16) + (gallery.feature ? ', feature ' + gallery.feature : '');
  $('crops').hidden = !gallery.takes_crops;
  for (const form of ['list-filters', 'found-filters']) {
    const select = $(form).elements.camera, chosen = select.value;
    select.replaceChildren(element('option', 'all', {value: ''}), ...gallery.cameras.map(camera =>
      element('option', 'camera ' + camera, {value: camera})));
    select.value = chosen;
    if (select.selectedIndex < 0) select.value = '';
  }
}
async function start() {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found) {
    await send('api/login', {token: found});
    history.replaceState(null, '', location.pathname);
  }
  await describe();
  await list();
}
function step(from, by) {
  const seen = [...from.closest('section').querySelectorAll('article')].filter(e => !e.hidden);
  const next = seen[seen.indexOf(from) + by];
  if (next) { next.focus(); next.scrollIntoView({block: 'nearest', inline: 'nearest'}); }
}
const onSubmit = (id, act) => $(id).addEventListener('submit', guarded(async event => {
  event.preventDefault();
  await act();
}));
onSubmit('list-filters', () => list());
onSubmit('found-filters', () => search(state.query.id));
onSubmit('crops', sendCrops);
$('found-filters').addEventListener('input', filter);
$('more').addEventListener('click', guarded(() => list(true)));
for (const name of ['list', 'found']) $('show-' + name).addEventListener('click', () => show(name));
$('sure-no').addEventListener('click', () => $('sure').close());
$('sure-yes').addEventListener('click', guarded(remove));
document.addEventListener('keydown', event => {
  const card = event.target;
  if (card.tagName !== 'ARTICLE' || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (by) { step(card, by); event.preventDefault(); return; }
  const does = {Enter: '[data-do=find]', p: '[data-do=play]', Delete: '[data-do=delete]',
    s: '[data-answer=same]', a: '[data-answer=other]'}[event.key];
  const pressed = does && card.querySelector(does);
  if (pressed) { pressed.click(); event.preventDefault(); }
});
guarded(start)();
