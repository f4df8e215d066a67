import { describe, expect, test } from 'vitest'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { file, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

describe.skipIf(!here)(here ? 'files in the console page' : `files in the console page (${noBrowser})`, () => {
  const open = usePage()

  test('an upload shows its progress, Send waits for it, and a file can be sent without text', async () => {
    const { page, api } = await open()
    const release = api.holdUploads()
    await page.locator('input[type=file]').setInputFiles(file('long.pdf', 12_000_000))
    const bar = page.getByRole('progressbar', { name: pageWording.file.progress('long.pdf') })
    await expect.poll(async () => Number(await bar.getAttribute('value'))).toBeGreaterThan(0)
    await page.getByRole('button', { name: pageWording.composer.send }).click()
    await page.getByText(pageWording.composer.waitingForUploads(1)).waitFor()
    expect(api.sent).toEqual([])
    release()
    const turn = await api.nextTurn()
    expect(api.sent).toMatchObject([{ text: '', uploads: [expect.any(String)] }])
    turn.write('It is long.')
    turn.finish()
    const files = page.getByRole('list', { name: pageWording.composer.files, exact: true })
    expect(await files.textContent()).toBe('pdflong.pdf12 MB')
    expect(await page.getByRole('list', { name: pageWording.composer.filesToSend }).count()).toBe(0)
  })

  test('a running upload can be canceled, and the text stays', async () => {
    const { page, api, input } = await open()
    const release = api.holdUploads()
    await input.fill('About this file')
    await page.locator('input[type=file]').setInputFiles(file('wrong.pdf', 8_000_000))
    await page.getByRole('button', { name: pageWording.composer.send }).click()
    await page.getByRole('button', { name: pageWording.composer.keepEditing }).click()
    await page.getByRole('button', { name: pageWording.file.cancelUpload('wrong.pdf') }).click()
    await page.getByText('wrong.pdf').waitFor({ state: 'detached' })
    release()
    expect(await input.inputValue()).toBe('About this file')
    await input.press('Enter')
    await api.nextTurn()
    expect(api.sent).toMatchObject([{ text: 'About this file', uploads: [] }])
  })

  test('a refused upload shows the server’s reason, and a retry works', async () => {
    const { page, api, input } = await open()
    api.refuse('PUT /console/uploads', 422, 'The disk of this server is full.')
    await page.locator('input[type=file]').setInputFiles(file('notes.pdf'))
    await page.getByRole('alert').getByText('The disk of this server is full.').waitFor()
    await input.fill('Read it')
    expect(await page.getByRole('button', { name: pageWording.composer.send }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: pageWording.file.uploadAgain('notes.pdf') }).click()
    await expect.poll(() => page.getByRole('button', { name: pageWording.composer.send }).isEnabled()).toBe(true)
    await input.press('Enter')
    await api.nextTurn()
    expect(api.sent[0]?.uploads).toHaveLength(1)
  })

  test('a file over the limit is refused on the page with both sizes, and is not uploaded', async () => {
    const { page, api } = await open({}, (server) => {
      server.status.limits.fileBytes = 1_000_000
    })
    await expect.poll(() => api.requests.includes('GET /console/status')).toBe(true)
    await page.getByText('1.0.0').waitFor()
    await page.locator('input[type=file]').setInputFiles(file('huge.mov', 3_100_000))
    await page.locator('.file-note', { hasText: pageWording.file.tooLarge('3.1 MB', '1 MB') }).waitFor()
    expect(await page.getByRole('button', { name: pageWording.file.uploadAgain('huge.mov') }).count()).toBe(0)
    await page.getByRole('button', { name: pageWording.file.remove('huge.mov') }).click()
    expect(api.requests).not.toContain('PUT /console/uploads')
  })

  test('files can be dropped anywhere on the page, with an overlay during the drag', async () => {
    const { page, api } = await open()
    const carried = await page.evaluateHandle(() => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(['one'], 'one.txt', { type: 'text/plain' }))
      transfer.items.add(new File(['two'], 'two.csv', { type: 'text/csv' }))
      return transfer
    })
    await page.dispatchEvent('h1', 'dragenter', { dataTransfer: carried })
    await page.getByText(pageWording.app.drop).waitFor()
    await page.dispatchEvent('h1', 'dragleave', { dataTransfer: carried })
    await page.getByText(pageWording.app.drop).waitFor({ state: 'detached' })
    await page.dispatchEvent('h1', 'dragenter', { dataTransfer: carried })
    await page.dispatchEvent('h1', 'drop', { dataTransfer: carried })
    await page.getByText(pageWording.app.drop).waitFor({ state: 'detached' })
    const tray = page.getByRole('list', { name: pageWording.composer.filesToSend })
    await tray.getByText('two.csv').waitFor()
    await page.getByLabel(pageWording.composer.input).press('Enter')
    await api.nextTurn()
    expect(api.sent[0]?.uploads).toHaveLength(2)
  })

  test('a pasted picture becomes a file with a preview; pasted text stays text', async () => {
    const { page, input } = await open()
    await input.focus()
    await page.evaluate(() => {
      const transfer = new DataTransfer()
      const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
      const bytes = Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0))
      transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }))
      const event = new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })
      document.activeElement?.dispatchEvent(event)
    })
    const tray = page.getByRole('list', { name: pageWording.composer.filesToSend })
    await tray.getByText(/^pasted .*\.png$/).waitFor()
    await expect.poll(() => tray.locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1)
    await page.keyboard.insertText('words')
    expect(await input.inputValue()).toBe('words')
  })

  test('typed text and uploads survive a reload', async () => {
    const { page, api, input } = await open()
    await page.locator('input[type=file]').setInputFiles(file('kept.pdf'))
    await page.getByRole('button', { name: pageWording.file.remove('kept.pdf') }).waitFor()
    await input.fill('half a thought')
    await page.reload()
    await page.getByRole('button', { name: pageWording.file.remove('kept.pdf') }).waitFor()
    expect(await input.inputValue()).toBe('half a thought')
    await input.press('Enter')
    await api.nextTurn()
    expect(api.sent).toMatchObject([{ text: 'half a thought', uploads: [expect.any(String)] }])
  })
})
