import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('draws the same picture for light and for dark pages', () => {
  const colours = /:root \{[^}]*\}/;
  const [light = '', dark = ''] = ['light', 'dark'].map((theme) => readFileSync(`docs/overview-${theme}.svg`, 'utf8'));
  expect(dark.replace(colours, '')).toBe(light.replace(colours, ''));
  const namesIn = (svg: string): readonly string[] => colours.exec(svg)?.[0].match(/--[a-z-]+(?=:)/g) ?? [];
  expect(namesIn(dark)).toEqual(namesIn(light));
  expect(new Set(light.match(/(?<=var\()--[a-z-]+/g))).toEqual(new Set(namesIn(light)));
});
