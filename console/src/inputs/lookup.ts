/** Asking the server for rows while somebody types: the last question wins, and Enter waits for its answer. */
import { ref } from "vue";

import { lookup } from "@/server";
import type { LookupRow } from "@/types";

const PAUSE_MS = 140;

/** What was typed and left while the server is still asked what it means. */
const asked = new Set<Promise<unknown>>();
/** Whoever saves waits for this to end. */
export function awaited<T>(work: Promise<T>): Promise<T> {
  asked.add(work);
  return work.finally(() => asked.delete(work));
}
/** Resolves once every word typed so far has become a row, or has been marked as unknown. */
export async function understood(): Promise<void> {
  while (asked.size) await Promise.allSettled([...asked]);
}

export function useLookup(code: () => string, purpose: () => string, header: () => Record<string, string> = () => ({})) {
  const rows = ref<LookupRow[]>([]);
  const busy = ref(false);
  const failed = ref(false);
  let timer = 0;
  let control: AbortController | null = null;
  let answered = "";
  let settling: { q: string; answer: Promise<LookupRow[]> } | null = null;

  function ask(q: string): Promise<LookupRow[]> {
    control?.abort();
    const mine = new AbortController();
    control = mine;
    busy.value = true;
    return lookup(code(), q, purpose(), header(), mine.signal).then(
      (found) => {
        if (mine === control) {
          rows.value = found;
          answered = q;
          busy.value = false;
          failed.value = false;
        }
        return found;
      },
      () => {
        if (mine === control && !mine.signal.aborted) {
          busy.value = false;
          failed.value = true;
        }
        return [];
      },
    );
  }

  function search(q: string): void {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void ask(q), q ? PAUSE_MS : 0);
  }

  /** A scanner types and presses Enter before any answer: wait for the rows of exactly this text, even when the list closes. */
  async function settle(q: string): Promise<LookupRow[]> {
    window.clearTimeout(timer);
    if (answered === q && !busy.value) return rows.value;
    if (settling?.q !== q) {
      const mine = { q, answer: ask(q).finally(() => {
        if (settling === mine) settling = null;
      }) };
      settling = mine;
    }
    return settling.answer;
  }

  function stop(): void {
    window.clearTimeout(timer);
    if (!settling) control?.abort();
    busy.value = false;
    answered = "";
  }

  return { rows, busy, failed, search, settle, stop };
}

/** The row a typed text means beyond doubt: its exact code or name, or the only one there is. */
export function meant(rows: LookupRow[], text: string): LookupRow | null {
  const word = text.trim().toLowerCase();
  const exact = rows.filter((row) => row.code?.toLowerCase() === word || String(row["barcode"] ?? "").toLowerCase() === word);
  if (exact.length === 1) return exact[0] ?? null;
  const named = rows.filter((row) => row.name.toLowerCase() === word);
  if (named.length === 1) return named[0] ?? null;
  return rows.length === 1 ? rows[0] ?? null : null;
}
