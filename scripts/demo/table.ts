import { stripVTControlCharacters } from 'node:util';

/** Lines of columns, each as wide as its widest cell and two spaces apart. Cells may carry colours. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function visibleLength(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
