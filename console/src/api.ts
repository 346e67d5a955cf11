/**
 * The one way to the server: JSON over fetch, problems as values, one key per act of the user.
 *
 * A write carries an Idempotency-Key. A request that got no answer (network down, gateway gone) is asked again with the
 * same key, so a slow line can never save twice. A 401 asks the person to sign in above the page and then goes on.
 */
import type { Change, Problem } from "./types";

const WAITS_MS = [300, 1200];
const NO_ANSWER = new Set([502, 503, 504]);

/** The server answered, and refused. `changes` are what others saved meanwhile, where that is the reason. */
export class Refused extends Error {
  readonly status: number;
  readonly problems: Problem[];
  readonly changes: Change[];
  constructor(status: number, problems: Problem[], changes: Change[] = []) {
    super(problems[0]?.message ?? `HTTP ${status}`);
    this.name = "Refused";
    this.status = status;
    this.problems = problems;
    this.changes = changes;
  }
}

/** Nobody answered; whether the act happened is unknown, asking again with the same key is safe. */
export class NoAnswer extends Error {
  constructor() {
    super("no answer");
    this.name = "NoAnswer";
  }
}

interface Settings {
  locale: () => string;
  /** Called on 401; resolves true once somebody signed in again, false when the person gave up. */
  signIn: () => Promise<boolean>;
  /** Called where the server asks who it is once more; resolves true once they have proved it. */
  prove: () => Promise<boolean>;
  pause: (ms: number) => Promise<void>;
}

export const settings: Settings = {
  locale: () => "zh-Hans",
  signIn: async () => false,
  prove: async () => false,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // randomUUID exists only in secure contexts; an office opens http://10.0.0.5 as well.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function url(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}

async function refusalOf(response: Response): Promise<Refused> {
  try {
    const body = (await response.json()) as { problems?: Problem[]; changes?: Change[] };
    if (Array.isArray(body.problems) && body.problems.length > 0) return new Refused(response.status, body.problems, body.changes);
  } catch {
    // Not JSON: a proxy's page. The status speaks for itself below.
  }
  return new Refused(response.status, [{ field: null, line: null, code: `http_${response.status}`, message: "" }]);
}

interface Asked { method: string; address: string; body?: BodyInit; type?: string; key?: string; quiet?: boolean; signal?: AbortSignal }

async function ask(asked: Asked): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": settings.locale() };
  if (asked.type) headers["Content-Type"] = asked.type;
  if (asked.key) headers["Idempotency-Key"] = asked.key;
  for (let attempt = 0; ; attempt += 1) {
    let response: Response;
    try {
      response = await fetch(asked.address, {
        method: asked.method, headers, body: asked.body, credentials: "same-origin", signal: asked.signal,
      });
    } catch (error) {
      if (asked.signal?.aborted) throw error;
      const wait = WAITS_MS[attempt];
      if (wait === undefined) throw new NoAnswer();
      await settings.pause(wait);
      continue;
    }
    if (response.ok) return response;
    if (NO_ANSWER.has(response.status)) {
      const wait = WAITS_MS[attempt];
      if (wait === undefined) throw new NoAnswer();
      await settings.pause(wait);
      continue;
    }
    if (response.status === 401 && !asked.quiet && (await settings.signIn())) continue;
    const refusal = await refusalOf(response);
    if (refusal.problems[0]?.code === "prove_again" && (await settings.prove())) continue;
    throw refusal;
  }
}

async function answer<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export async function get<T>(path: string, query: Query = {}, options: { signal?: AbortSignal; quiet?: boolean } = {}): Promise<T> {
  return answer<T>(await ask({ method: "GET", address: url(path, query), ...options }));
}

export interface WriteOptions { key?: string; quiet?: boolean; query?: Query }

const underWay = new Map<string, Promise<unknown>>();

/** Write, with one key per act: what is asked again word for word before an answer came, by a double click, is one act. */
export function write<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, options: WriteOptions = {}): Promise<T> {
  const asked = { method, address: url(path, options.query), body: body === undefined ? (method === "DELETE" ? undefined : "{}") : JSON.stringify(body) };
  const print = `${asked.method} ${asked.address} ${asked.body ?? ""}`;
  const same = underWay.get(print);
  if (same) return same as Promise<T>;
  const promise = ask({ ...asked, type: "application/json", key: options.key ?? newKey(), quiet: options.quiet })
    .then((response) => answer<T>(response))
    .finally(() => underWay.delete(print));
  underWay.set(print, promise);
  return promise;
}

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

export async function upload<T>(path: string, file: Blob, key: string): Promise<T> {
  return answer<T>(await ask({ method: "POST", address: url(path), body: file, type: XLSX, key }));
}

/**
 * One act of the user, remembered until somebody answers: pressing the button again after "no answer" repeats the
 * same key as long as the content is the same; another content, or an answer, begins a new act.
 */
export class Act {
  private pending: { print: string; key: string } | null = null;

  async write<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, options: Omit<WriteOptions, "key"> = {}): Promise<T> {
    const print = `${method} ${url(path, options.query)} ${JSON.stringify(body ?? null)}`;
    if (this.pending?.print !== print) this.pending = { print, key: newKey() };
    const { key } = this.pending;
    try {
      const result = await write<T>(method, path, body, { ...options, key });
      this.pending = null;
      return result;
    } catch (error) {
      if (!(error instanceof NoAnswer)) this.pending = null;
      throw error;
    }
  }
}
