import type { ConfigNode, MapEntry, TextProblem } from '../node.ts';

/** Whether a node, as a value or as a key, is one that JSON, through which Go passes YAML, may not have. */
export function mayBeUnjsonable(node: ConfigNode, isKey: boolean): boolean {
  return node.kind === 'number' ? isKey || isInfinite(node) : isKey && node.kind === 'null';
}

/** What a value holds that JSON can't. Values that several aliases share are told once. */
export function unjsonableParts(root: ConfigNode): readonly TextProblem[] {
  const seen = new Set<ConfigNode>([root]);
  const badKeys: TextProblem[] = [];
  for (const node of seen) {
    for (const part of partsOf(node)) seen.add(part);
    if (node.kind === 'map') badKeys.push(...node.entries.flatMap(keyProblems));
  }
  const infinities = [...seen].filter(isInfinite);
  return [
    ...badKeys,
    ...infinities.map(({ offset }) => ({ offset, message: 'not a finite number', expected: 'a number' })),
  ];
}

function partsOf(node: ConfigNode): readonly ConfigNode[] {
  if (node.kind === 'list') return node.items;
  return node.kind === 'map' ? node.entries.map(({ value }) => value) : [];
}

function keyProblems({ keyOffset, keyProblem }: MapEntry): readonly TextProblem[] {
  return keyProblem === undefined ? [] : [{ offset: keyOffset, message: keyProblem, expected: 'a text' }];
}

function isInfinite(node: ConfigNode): boolean {
  return node.kind === 'number' && /^-?[NI]/.test(node.literal);
}
