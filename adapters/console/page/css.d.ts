/** Vite loads a style sheet with the screen that imports it. */
declare module '*.css'
