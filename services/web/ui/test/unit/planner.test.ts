import assert from 'node:assert/strict'
import { test } from 'node:test'
import { match } from '../../src/upload/again'
import { blank, fresh, type Item } from '../../src/upload/item'
import { mostBytes, mostFiles, Planner, type PlanAnswer, type PlanFile } from '../../src/upload/planner'

const picked = (name: string, folder = '', text = 'x') => ({ file: new File([text], name, { type: 'image/jpeg', lastModified: 1000 }), folder })
const items = (n: number, folder = '') => Array.from({ length: n }, (_, i) => fresh(i, picked(`${i}.jpg`, folder)))

/** A planner whose server answers `new` for every file, unless told otherwise. */
function make(answer?: (files: PlanFile[]) => PlanAnswer, album = '') {
  const plans: PlanFile[][] = []
  const sizes: number[] = []
  const opened: Item[] = []
  const usual = (files: PlanFile[]) => ({
    status: 200, retryAfter: 0,
    body: { files: files.map((f) => ({ status: 'new', id: f.name, session_url: `/s/${f.name}`, expires_at: '2030-01-01T00:00:00Z' })) },
  })
  const planner = new Planner({
    post: async (body) => {
      const { files } = JSON.parse(body) as { files: PlanFile[] }
      plans.push(files)
      sizes.push(Buffer.byteLength(body))
      return (answer ?? usual)(files)
    },
    planned: (some) => opened.push(...some), album: () => album, wait: async () => undefined, random: () => 0.5,
  })
  return { planner, plans, sizes, opened }
}

test('files that are ready together are one plan, in their order, with what is known of them', async () => {
  const { planner, plans, opened } = make()
  const all = items(3, 'Trip/Day 1')
  Object.assign(all[1] as Item, { sha256: 'ab' })
  const outcomes = await Promise.all(all.map((item) => planner.ask(item)))
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['ready', 'ready', 'ready'])
  assert.equal(plans.length, 1)
  assert.deepEqual(plans[0]?.[1], { name: '1.jpg', size: 1, last_modified: 1000, content_type: 'image/jpeg', sha256: 'ab', path: 'Trip/Day 1', album: 'Trip/Day 1' })
  assert.deepEqual(all.map((item) => item.session?.url), ['/s/0.jpg', '/s/1.jpg', '/s/2.jpg'])
  assert.deepEqual(opened, all)
})

test('on an album\'s page folders become albums within it, and names are composed', async () => {
  const { planner, plans } = make(undefined, '2026')
  await Promise.all([planner.ask(fresh(0, picked('a.jpg', 'Cafe\u0301'))), planner.ask(fresh(1, picked('b.jpg')))])
  assert.deepEqual(plans[0]?.map(({ path, album }) => [path, album]), [['Caf\u00e9', '2026/Caf\u00e9'], [undefined, '2026']])
})

test('a plan has no more files and bytes than its limits', async () => {
  for (const [n, want] of [[mostFiles - 1, [mostFiles - 1]], [mostFiles, [mostFiles]], [mostFiles + 1, [mostFiles, 1]]] as const) {
    const { planner, plans } = make()
    await Promise.all(items(n).map((item) => planner.ask(item)))
    assert.deepEqual(plans.map((files) => files.length), want)
  }
  const { planner, plans, sizes } = make()
  await Promise.all(items(400, '한'.repeat(4000)).map((item) => planner.ask(item)))
  assert.ok(plans.length > 1 && Math.max(...sizes) <= mostBytes)
})

test('what is known or never taken ends without a session; a full house is asked again', async () => {
  const { planner, opened } = make(() => ({
    status: 200, retryAfter: 0,
    body: { files: [
      { status: 'duplicate', duplicate_of: 'D', trashed: true },
      { status: 'refused', problem: { status: 413, code: 'file_too_large', detail: 'Too large.' } },
      { status: 'refused', problem: { status: 429, code: 'too_many_uploads', detail: 'Wait.' } },
    ] },
  }))
  const outcomes = await Promise.all(items(3).map((item) => planner.ask(item)))
  assert.deepEqual(outcomes, [
    { kind: 'duplicate', imageID: 'D', trashed: true },
    { kind: 'refused', code: 'file_too_large', detail: 'Too large.' },
    { kind: 'later', offline: false, after: 0, code: 'too_many_uploads', detail: 'Wait.' },
  ])
  assert.deepEqual(opened, [])
})

test('after a plan that failed all try again at one moment, later each time', async () => {
  const answers: PlanAnswer[] = [{ status: 0, retryAfter: 0, body: undefined }, { status: 503, retryAfter: 9_000, body: undefined }, { status: 500, retryAfter: 0, body: undefined }]
  const { planner } = make(() => answers.shift() as PlanAnswer)
  const after = []
  for (let i = 0; i < 3; i++) {
    const outcomes = await Promise.all(items(4).map((item) => planner.ask(item)))
    assert.equal(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size, 1)
    after.push(outcomes[0]?.kind === 'later' && outcomes[0].exact && outcomes[0].after)
  }
  assert.deepEqual(after, [1_000, 9_000, 4_000])
})

test('a gallery without sessions is asked once', async () => {
  const { planner, plans, opened } = make(() => ({ status: 415, retryAfter: 0, body: { code: 'sessions_unsupported' } }))
  assert.deepEqual(await Promise.all(items(2).map((item) => planner.ask(item))), [{ kind: 'ready' }, { kind: 'ready' }])
  assert.ok(planner.unsupported)
  assert.equal(plans.length, 1)
  assert.deepEqual(opened, [])
})

test('files given again are recognised by name, size and time, and by their folder where there are several', () => {
  const known = [blank(0, 'a.jpg', 1, 1000, '', 'x'), blank(1, 'a.jpg', 1, 1000, '', 'y'), blank(2, 'b.jpg', 2, 1000, '', ''), blank(3, 'c.jpg', 1, 999, '', '')]
  const given = [picked('a.jpg', 'y'), picked('a.jpg'), picked('a.jpg', 'x'), picked('b.jpg', '', 'xy'), picked('c.jpg')]
  const { pairs, others } = match(known, given)
  assert.deepEqual(pairs.map(([item, one]) => [item.key, given.indexOf(one as (typeof given)[0])]), [[1, 0], [0, 1], [2, 3]])
  assert.deepEqual(others, [given[2], given[4]])
})
