/** Builds the console page into `adapters/console/dist`: static files that a strict Content-Security-Policy allows. */
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  plugins: [
    react(),
    {
      // The remembered theme is applied before the first paint, without an inline script.
      name: 'script-before-paint',
      transformIndexHtml: {
        order: 'post',
        handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
      },
    },
  ],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: ['chrome123', 'firefox124', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // The page takes types and small functions from files that also define zod schemas; it has no use for those.
      treeshake: { manualPureFunctions: ['z'] },
    },
  },
  server: { proxy: { '/console': 'http://127.0.0.1:8787' } },
})
