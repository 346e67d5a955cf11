/** Bodies on their way to a new document's page: from a pull, a push or a copy. */
import { newKey } from "@/api";

const waiting = new Map<string, Record<string, unknown>>();

/** The address of a new document that will begin with this body. */
export function handOver(code: string, body: Record<string, unknown>): string {
  const key = newKey().slice(0, 8);
  waiting.set(key, body);
  return `/${code}/new/${key}`;
}

export function handedOver(key: string): Record<string, unknown> | null {
  const body = waiting.get(key) ?? null;
  waiting.delete(key);
  return body;
}
