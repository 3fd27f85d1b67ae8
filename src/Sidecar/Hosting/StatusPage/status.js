// Asks for the report once a second and shows it. Every value is set as text, never as markup.
'use strict';

const interval = 1000;
let paused = false;

const element = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

const bytes = value => {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let index = 0;
  while (value >= 1024 && index < units.length - 1) { value /= 1024; index++; }
  return `${index === 0 ? value : value.toFixed(1)} ${units[index]}`;
};

const duration = seconds => {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))}\u00a0s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)}\u00a0min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
};

const since = (report, time) => duration((new Date(report.now) - new Date(time)) / 1000);
const id = text => element('span', { class: 'id' }, text);
const tones = {
  receiving: 'good', running: 'good', succeeded: 'good', reachable: 'good', holds: 'good',
  suspended: 'warn', queued: 'warn', draining: 'warn', absent: 'warn', cancelled: 'warn', warning: 'warn',
  missing: 'warn',
  failed: 'bad', unreachable: 'bad', error: 'bad', critical: 'bad',
};
const state = text => element('span', { class: tones[text] ?? 'soft' }, text);

const bar = (done, total, label) => total > 0
  ? element('span', {}, element('progress', { max: total, value: Math.min(done, total), 'aria-label': label }),
    ` ${Math.floor(100 * done / total)} %`)
  : element('span', {}, bytes(done));

const table = (caption, columns, rows, empty) => {
  if (rows.length === 0) return element('p', { class: 'empty' }, empty);
  const kind = name => columns.find(column => column.name === name).number ? { class: 'number' } : {};
  // The roles say what the elements are when a narrow screen shows them as blocks.
  const head = element('tr', { role: 'row' }, ...columns.map(column =>
    element('th', { scope: 'col', role: 'columnheader', ...kind(column.name) }, column.name)));
  const body = rows.map(row => element('tr', { role: 'row' }, ...columns.map((column, index) =>
    element('td', { role: 'cell', 'data-label': column.name, ...kind(column.name) }, row[index]))));
  return element('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption },
    element('table', { role: 'table' }, element('thead', { role: 'rowgroup' }, head),
      element('tbody', { role: 'rowgroup' }, ...body)));
};

const text = name => ({ name });
const number = name => ({ name, number: true });

const capacity = report => {
  const { totalBytes, freeBytes, reservedBytes, availableBytes, directory } = report.capacity;
  const used = totalBytes - freeBytes;
  const percent = value => totalBytes > 0 ? 100 * value / totalBytes : 0;
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'bar');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${percent(used).toFixed(0)} % used, ${percent(reservedBytes).toFixed(0)} % reserved`);
  for (const [name, start, width] of [['used', 0, percent(used)], ['reserved', percent(used), percent(reservedBytes)]]) {
    const part = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    part.setAttribute('class', name);
    part.setAttribute('x', `${start}%`);
    part.setAttribute('width', `${Math.min(width, 100 - start)}%`);
    part.setAttribute('height', '100%');
    svg.append(part);
  }
  const tile = (name, value) => element('div', {}, element('dt', {}, name), element('dd', {}, value));
  return [svg,
    element('p', { class: 'legend' }, element('span', { class: 'key used' }), 'used ',
      element('span', { class: 'key reserved' }), 'reserved for uploads and imports that are not written yet'),
    element('dl', { class: 'tiles' }, tile('Free', bytes(freeBytes)), tile('Reserved', bytes(reservedBytes)),
      tile('Largest upload accepted', bytes(availableBytes)), tile('Volume', bytes(totalBytes))),
    element('p', { class: 'soft' }, 'Directory ', id(directory))];
};

const uploads = report => table('Uploads',
  [text('Image'), text('State'), text('Received'), number('Durable'), number('Since'), text('Project')],
  report.uploads.map(upload => [id(upload.imageId),
    element('span', {}, state(upload.state), upload.failure ? ` ${upload.failure}` : ''),
    upload.declaredBytes ? bar(upload.receivedBytes, upload.declaredBytes, 'received') : bytes(upload.receivedBytes),
    bytes(upload.durableBytes), since(report, upload.startedAt), upload.projectId]),
  'No upload is being received or waits to be resumed.');

const stages = item => element('span', {}, ...item.stages.filter(stage => stage.state !== 'pending').map(stage =>
  element('div', {}, `${stage.name}: `, stage.state === 'running'
    ? bar(stage.bytesDone, stage.bytesTotal, stage.name) : state(stage.state), ` ${duration(stage.seconds)}`)),
  item.failure);

const imports = report => table('Imports',
  [text('Import'), text('Image'), text('State'), text('Stages'), number('Age')],
  report.imports.map(item => [id(item.importId), id(item.imageId), state(item.state), stages(item),
    since(report, item.createdAt)]),
  'No import runs or waits to be released.');

const images = report => {
  const { count, bytes: total, oldest } = report.images;
  const note = element('p', {}, `${count} staged, ${bytes(total)}.`,
    count > oldest.length ? ` The ${oldest.length} oldest are shown.` : '');
  return [note, table('Staged images',
    [text('Image'), number('Size'), number('Age'), text('Origin'), text('Project')],
    oldest.map(image => [id(image.imageId), bytes(image.bytes), since(report, image.committedAt), image.origin,
      image.projectId]),
    'Nothing is staged.')];
};

const peers = report => table('Peers',
  [text('Name'), text('State'), number('For'), number('Free'), number('Images'), text('Version'), text('Address')],
  report.peers.map(peer => [peer.name,
    element('span', {}, state(peer.state), peer.failure ? ` ${peer.failure}` : ''),
    since(report, peer.since), bytes(peer.freeBytes), String(peer.stagedImages ?? '–'), peer.version, id(peer.address)]),
  'This pod has no peers.');

const condition = report => {
  const { count, first } = report.damaged;
  return [table('Background loops', [text('Loop'), number('Failing for'), text('Failure')],
    report.failingLoops.map(loop => [loop.name, since(report, loop.since), loop.failure]),
    'All background loops work.'),
  count > first.length ? element('p', {}, `${count} damaged records; the first ${first.length} are shown.`) : '',
  table('Damaged records', [text('Record'), number('Set aside'), text('Why')],
    first.map(record => [id(record.name), record.setAsideAt ? `${since(report, record.setAsideAt)} ago` : '–', record.why]),
    'No record was damaged.'),
  table('Confinement of programs', [text('Mechanism'), text('State'), text('Why not')],
    report.confinement.map(layer => [layer.mechanism, state(layer.holds ? 'holds' : 'missing'), layer.missing]), '')];
};

const problems = report => table('Recent refusals and failures', [text('When'), text('Level'), text('What')],
  report.problems.map(problem => [element('time', { datetime: problem.at }, `${since(report, problem.at)} ago`),
    state(problem.level), problem.text]),
  'Nothing was refused and nothing failed since the start.');

const show = report => {
  document.title = `${report.pod} · staging sidecar`;
  document.getElementById('pod').textContent = report.pod;
  const badge = document.getElementById('state');
  const next = report.obstacle ?? 'ready';
  if (badge.textContent !== next) badge.textContent = next;
  badge.className = `badge ${report.obstacle ? 'warn' : 'good'}`;
  document.getElementById('facts').textContent = `version ${report.version}, up ${since(report, report.startedAt)}`;
  const parts = { capacity, uploads, imports, images, peers, condition, problems };
  for (const [name, render] of Object.entries(parts)) {
    const place = document.getElementById(name);
    // A table that somebody tabs or scrolls through is left alone until they leave.
    if (!place.contains(document.activeElement)) place.replaceChildren(...[render(report)].flat());
  }
  document.getElementById('age').textContent = `as of ${new Date(report.now).toLocaleTimeString()}`;
};

const fail = reason => {
  const badge = document.getElementById('state');
  badge.textContent = 'no answer';
  badge.className = 'badge bad';
  document.getElementById('facts').textContent = `The sidecar does not answer (${reason}). Trying again.`;
};

const refresh = async () => {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch('status.json', { cache: 'no-store' });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      show(await answer.json());
    } catch (failure) {
      fail(failure.message);
    }
  }
  setTimeout(refresh, interval);
};

document.getElementById('pause').addEventListener('click', event => {
  paused = !paused;
  event.target.setAttribute('aria-pressed', String(paused));
  event.target.textContent = paused ? 'Go on' : 'Pause';
});
refresh();
