/** What is typed and not yet saved, kept in this browser per place and page until the server has it. */

import type { Sent } from "./form/sent";
import type { DocumentBody } from "./types";

const PREFIX = "yl.draft.";
const KEEP_DAYS = 30;

/** `base` is the record as it was when the typing began: whatever differs from it was typed here. */
export interface Draft { header: Record<string, unknown>; lines: unknown[]; base: DocumentBody | null; sent: Sent | null; at: string }

export function readDraft(place: string, path: string): Draft | null {
  try {
    return JSON.parse(localStorage.getItem(`${PREFIX}${place}.${path}`) ?? "null") as Draft | null;
  } catch {
    return null;
  }
}

export function keepDraft(place: string, path: string, draft: Draft): void {
  try {
    localStorage.setItem(`${PREFIX}${place}.${path}`, JSON.stringify(draft));
  } catch {
    // The quota is full: oldest drafts give way, then once more.
    dropOld(0.5);
    try {
      localStorage.setItem(`${PREFIX}${place}.${path}`, JSON.stringify(draft));
    } catch {
      // Still no room: the page itself keeps what was typed.
    }
  }
}

export function dropDraft(place: string, path: string): void {
  localStorage.removeItem(`${PREFIX}${place}.${path}`);
}

function drafts(): { key: string; at: string }[] {
  const found: { key: string; at: string }[] = [];
  for (let index = 0; index < localStorage.length; index += 1) {
    const key = localStorage.key(index);
    if (!key?.startsWith(PREFIX)) continue;
    try {
      found.push({ key, at: (JSON.parse(localStorage.getItem(key) ?? "{}") as Draft).at ?? "" });
    } catch {
      found.push({ key, at: "" });
    }
  }
  return found.sort((a, b) => a.at.localeCompare(b.at));
}

function dropOld(share: number): void {
  const all = drafts();
  for (const { key } of all.slice(0, Math.ceil(all.length * share))) localStorage.removeItem(key);
}

/** Called once at start. */
export function sweepDrafts(now = new Date()): void {
  const oldest = new Date(now.getTime() - KEEP_DAYS * 86_400_000).toISOString();
  for (const { key, at } of drafts()) if (at < oldest) localStorage.removeItem(key);
}
