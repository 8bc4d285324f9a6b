// The commands that do one thing and end, loaded together: many small chunks would make every start slower.
export { cleanup } from './cleanup.ts';
export { connections } from './connections.ts';
export { explain } from './explain.ts';
export { render } from './render.ts';
export { status } from './status.ts';
export { validate } from './validate.ts';
