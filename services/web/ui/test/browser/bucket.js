// Another host that speaks the protocol of Cloud Storage's resumable uploads,
// with CORS as a bucket's is set.
import { createServer } from 'node:http'

const most = 2 * 1024 * 1024 // it takes no more of a chunk, as Cloud Storage may

export async function bucket() {
  const requests = []
  let has = Buffer.alloc(0)
  const server = createServer(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '')
    response.setHeader('Access-Control-Expose-Headers', 'Range')
    if (request.method === 'OPTIONS') {
      response.writeHead(200, { 'Access-Control-Allow-Methods': 'PUT', 'Access-Control-Allow-Headers': 'Content-Range' }).end()
      return
    }
    const parts = []
    for await (const part of request) parts.push(part)
    requests.push(request.headers)
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(request.headers['content-range']) ?? []
    if (Number(from) === has.length) has = Buffer.concat([has, Buffer.concat(parts).subarray(0, most)])
    if (has.length === Number(total)) response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"kind":"storage#object"}')
    else response.writeHead(308, { Range: `bytes=0-${has.length - 1}` }).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/session`, requests,
    received: () => has,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}
