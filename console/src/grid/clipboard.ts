/** Blocks of cells to and from spreadsheets: tab-separated text, quoted the way spreadsheets quote. Pure. */

export interface PasteColumn { name: string; label: string; typable: boolean }

/** The rows and cells of copied text. Quoted cells may hold tabs and line breaks; a trailing line break is no row. */
export function parseBlock(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  let at = 0;
  const source = text.replace(/\r\n?/g, "\n");
  const endCell = (): void => {
    row.push(cell);
    cell = "";
  };
  while (at < source.length) {
    const char = source[at] as string;
    if (quoted) {
      if (char === '"' && source[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (char === '"') quoted = false;
      else cell += char;
    } else if (char === '"' && cell === "" && closes(source, at)) quoted = true;
    else if (char === "\t") endCell();
    else if (char === "\n") {
      endCell();
      rows.push(row);
      row = [];
    } else cell += char;
    at += 1;
  }
  if (cell !== "" || row.length) {
    endCell();
    rows.push(row);
  }
  return rows.map((cells) => cells.map((one) => one.trim()));
}

/** A quote opens a quoted cell only when one closes it before a tab, a line end or the end: `55" 屏` is just text. */
function closes(source: string, open: number): boolean {
  for (let at = open + 1; at < source.length; at += 1) {
    if (source[at] !== '"') continue;
    if (source[at + 1] === '"') at += 1;
    else return at + 1 >= source.length || source[at + 1] === "\t" || source[at + 1] === "\n";
  }
  return false;
}

export function toBlock(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.map((cell) => (/[\t\n"]/.test(cell) ? `"${cell.replace(/"/g, '""')}"` : cell)).join("\t")).join("\n");
}

const plainHeading = (text: string): string => text.replace(/[\s*＊:：]/g, "").replace(/[(（].*?[)）]$/, "").toLowerCase();

/**
 * The columns a pasted first row names, when it is a row of headings: at least two cells name a column (or the only
 * cell does), and none that is filled looks like a value of its own.
 */
export function headings(first: readonly string[], columns: readonly PasteColumn[]): (string | null)[] | null {
  const named = first.map((cell) => {
    const word = plainHeading(cell);
    return word ? columns.find((column) => plainHeading(column.label) === word || column.name === word)?.name ?? null : null;
  });
  const hits = named.filter(Boolean).length;
  const filled = first.filter((cell) => cell !== "").length;
  return hits >= 2 || (hits === 1 && filled === 1) ? named : null;
}

export interface PlannedCell { row: number; name: string; text: string }
export interface Plan { cells: PlannedCell[]; rows: number; byHeading: boolean; ignored: string[] }

/** Which text goes to which row (counted from the first pasted one) and column, starting at column `start`. */
export function planPaste(block: readonly (readonly string[])[], columns: readonly PasteColumn[], start: number): Plan {
  const named = block.length > 1 || (block[0]?.length ?? 0) > 1 ? headings(block[0] ?? [], columns) : null;
  const rows = named ? block.slice(1) : block;
  const cells: PlannedCell[] = [];
  const ignored = new Set<string>();
  if (named) (block[0] ?? []).forEach((cell, index) => {
    if (cell && !named[index]) ignored.add(cell);
  });
  rows.forEach((texts, row) => {
    texts.forEach((text, index) => {
      const column = named ? columns.find((one) => one.name === named[index]) : columns[start + index];
      if (column?.typable) cells.push({ row, name: column.name, text });
      else if (column && named) ignored.add(column.label);
    });
  });
  return { cells, rows: rows.length, byHeading: named !== null, ignored: [...ignored] };
}
