/**
 * A save that was sent and has not been answered. Nobody knows whether it happened, so it is asked again word for word,
 * with its own key, until somebody answers; what was typed since then goes on top of that answer.
 */
import { Refused, newKey, write } from "@/api";
import type { DocumentBody, LineBody } from "@/types";

export interface Sent {
  key: string;
  method: "POST" | "PUT";
  path: string;
  /** The step taken in the same act. */
  then: string | null;
  body: Record<string, unknown> & { lines?: LineBody[] };
  /** Which of our lines each of the body's is. */
  keys: string[];
}

export function sending(what: Omit<Sent, "key">): Sent {
  return { key: newKey(), ...what };
}

export function ask({ method, path, then, body, key }: Sent): Promise<DocumentBody> {
  return write<DocumentBody>(method, path, body, { key, query: { then } });
}

/** Refusals of who asks, not of what is asked: whether an earlier try was done remains unknown. */
const OF_THE_ASKER = new Set([401, 403, 429]);
/** The server looks for the key before it does anything: what it refuses, it has never done. */
export const isUndone = (error: unknown): boolean => error instanceof Refused && !OF_THE_ASKER.has(error.status);
