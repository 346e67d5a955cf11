/** What the server says of the directory; see its API description under /api/openapi.json. Moments are ISO UTC. */
import type { Act, Kind, RunState } from "./plan";

export type Platform = "wecom" | "dingtalk" | "sms";
export type ConnectionState = "off" | "on" | "stopped" | "removed" | "left";

/** What there is to fill in of a platform, in order; `sandbox` only where one is played here. */
export interface Guide {
  fields: { name: string; label: string; path: string; hint: string; is_secret: boolean; is_required: boolean }[];
  notes: string[];
  sandbox: { url: string; values: Record<string, string> } | null;
}
/** One place where the platform is told our address and keys. */
export interface Receiver { name: string; label: string; path: string; hint: string; url: string; token: string; aes_key: string; verified_at: string | null }

export interface Health {
  receivers: { receiver: string; verified_at: string | null; last_at: string | null; last_event: string | null; last_fault: { at: string; check: string } | null }[];
  last_run: { id: string; state: RunState; at: string; error: string | null } | null;
  synced_at: string | null;
  waiting: { callbacks: number; looks: number };
  tokens: { app: string; kind: string; expires_at: string; is_valid: boolean }[];
  quota: { path: string; left: number; per_minute: number; blocked_until: string | null }[];
}
export interface Tried { field: string; label: string; ok: boolean; code: string; text: string; remedy: string }

export interface Leaving {
  steps: { name: "account" | "stop" | "unbind"; done: boolean; label: string; path?: string }[];
  people: number; without_way_in: { id: string; code: string; name: string; mobile: string }[]; without_count: number; matches: number; kept: string;
}
export interface FirstPassword { code: string; name: string; login: string; password: string }

export interface Connection {
  id: string; version: number; platform: Platform; platform_label: string; direction: "push" | "pull"; direction_label: string;
  origin: "own" | "market"; state: ConnectionState; state_label: string; corp_id: string; corp_name: string;
  root: string; department: { id: string; name: string } | null; vanish_share: string; vanish_min: number; nightly_at: number | null;
  /** What is no secret, by name; of a secret only that there is one. */
  values: Record<string, string>; secrets: string[]; kept_matches: number; receivers: Receiver[]; lacking: string[]; health: Health;
}

export interface Guard { code: string; message: string; can_release: boolean }
export interface Run {
  id: string; connection: string; platform: Platform; direction: "push" | "pull"; trigger_label: string; state: RunState; state_label: string;
  acts: Partial<Record<string, number>>; read: { person: number; department: number }; guards: Guard[]; is_whole: boolean;
  override_reason: string | null; override_name: string | null; job: string | null; error: string | null; member_name: string;
  at: string; applied_at: string | null; undone_at: string | null; can: string[]; states: Partial<Record<string, number>>;
}

export interface Person { key: string; name: string; account?: string; mobile?: string }
/** What somebody decided about a conflict, until it is forgotten. */
export interface Decision { id: string; name: string; what: string; label: string; value_name: string; by_name: string; at: string }
export interface Way { what: string; label: string }
export interface Change {
  id: string; kind: Kind; act: Act; act_label: string; state: string; state_label: string; name: string; place: string; message: string;
  fields: Record<string, [string, string]>; error: string | null; error_text: string | null; remedy: string | null;
  /** Of a conflict. */
  ways: Way[]; rivals: Person[]; options: { key: string; name: string }[]; subject: Partial<Person>; detail: string; isPush: boolean;
}

/** The gateway codes are sent through: the enterprise's own, else that of the installation. */
export interface SmsSetup {
  gateway: (Record<string, string> & { provider: string }) | null; installation: boolean;
  guides: Record<string, { name: string; label: string; path: string }[]>;
}

/** What somebody who left still owns. */
export interface Belongings {
  employee: { id: string; name: string }; state: "open" | "done"; documents: { code: string; label: string; count: number }[]; contacts: number; may_restore: boolean;
}

/** What the callback doctor found of one receiver. */
export interface Finding { what: string; label: string; ok: boolean; evidence: string; remedy: string }
export interface Examined { receivers: { receiver: string; findings: Finding[] }[]; base: string; ok: boolean }
export interface StoredCallback { id: string; receiver: string; at: string; fault: string; event: string; address: string; took_ms: number; handled_at: string | null; query: Record<string, string>; body: string; text: string }
