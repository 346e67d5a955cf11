/** What the server says of the directory; see its API description under /api/openapi.json. Moments are ISO UTC. */
import type { Ref } from "@/types";

import type { Act, Kind, RunState } from "./plan";

export type Platform = "wecom" | "dingtalk" | "sms";
export type ConnectionState = "off" | "on" | "stopped" | "removed" | "left";

/** What there is to fill in of a platform, in order, and where in its console it is found. */
export interface Guide {
  platform: Platform; label: string;
  fields: { name: string; label: string; path: string; hint: string; is_secret: boolean; is_required: boolean }[];
  receivers: { name: string; label: string; path: string; hint: string }[];
  notes: string[];
}
/** One place where the platform is told our address and keys. */
export interface Receiver { receiver: string; url: string; token: string; aes_key: string; verified_at: string | null }
/** Where the platforms are played, and what works there; `url` is null on a real installation. */
export interface Sandbox { url: string | null; platforms: Partial<Record<Platform, Record<string, string>>>; sms: Record<string, Record<string, string>> }

export interface Health {
  receivers: { receiver: string; verified_at: string | null; last_at: string | null; last_event: string | null; last_fault: { at: string; check: string } | null }[];
  last_run: { id: string; state: RunState; at: string; error: string | null } | null;
  synced_at: string | null;
  waiting: { callbacks: number; looks: number };
  tokens: { app: string; kind: string; expires_at: string; is_valid: boolean }[];
  quota: { path: string; left: number; per_minute: number; blocked_until: string | null }[];
  /** Whom the platform lets us see, as of the last run; null for a platform that is written. */
  range: { is_whole: boolean; departments: string[]; people: number } | null;
  /** How the corp has our app of the marketplace; null for an app of its own. */
  market: { state: "on" | "stopped" | "removed" | "relieved"; is_trial: boolean; ends_at: string | null; days_left: number | null } | null;
}
export interface Tried { field: string; label: string; ok: boolean; code: string; text: string; remedy: string }

export interface Leaving {
  steps: { name: "account" | "stop" | "unbind"; done: boolean; label: string; path?: string }[];
  people: number; without_way_in: { id: string; code: string; name: string; mobile: string }[]; without_count: number; matches: number; kept: string;
  /** What binding again restores, once it is unbound. */
  kept_matches: number;
}
export interface FirstPassword { code: string; name: string; login: string; password: string }

export interface Connection {
  id: string; version: number; platform: "wecom" | "dingtalk"; direction: "push" | "pull"; origin: "own" | "market";
  state: ConnectionState; state_label: string; corp_id: string; corp_name: string; root: string; department: Ref | null;
  /** What is no secret, by name; of a secret only whether there is one. */
  settings: Record<string, string>; secrets: Record<string, boolean>; contacts_policy: string; lacking: string[];
  vanish_share: string; vanish_min: number; nightly_at: number | null;
  bound_at: string | null; stopped_at: string | null; synced_at: string | null;
}

export interface Guard { code: string; message: string; can_release: boolean }
export interface Run {
  id: string; connection: string; platform: "wecom" | "dingtalk"; direction: "push" | "pull"; trigger_label: string;
  state: RunState; state_label: string; is_whole: boolean; department: Ref | null; job: string | null; error: string | null; by: string;
  tally: { acts?: Partial<Record<string, number>>; read?: { person: number; department: number } }; guards: Guard[];
  override: { reason: string; by: string } | null;
  /** How many changes are in which state. */
  states: Partial<Record<string, number>>;
  at: string; applied_at: string | null; undone_at: string | null;
}

export interface Person { key: string; name: string; account?: string; mobile?: string }
export interface Way { what: string; label: string }
export interface Conflict {
  message: string; ways: Way[]; rivals: Person[]; options: { key: string; name: string }[]; params: Record<string, unknown>;
  /** Who it is about, as they stand with us; `asked_at`: since when they are asked for their mobile, `told_on`: where they got a message. */
  subject: Partial<Person> & { asked_at?: string | null; told_on?: "" | "wecom" | "dingtalk" };
}
export interface Change {
  id: string; run: string; kind: Kind; act: Act; act_label: string; state: string; state_label: string; name: string; place: string;
  reason: string; message: string; fields: Record<string, [string, string]>; error: string | null; error_text: string | null;
  remedy: string | null; conflict: Conflict | null;
}
export type OpenConflict = Change & { platform: "wecom" | "dingtalk"; direction: "push" | "pull"; conflict: Conflict };

/** The gateway codes are sent through: the enterprise's own, else that of the installation. */
export interface SmsSetup {
  gateway: (Record<string, string> & { provider: string }) | null; installation: boolean;
  guides: Record<string, { name: string; label: string; path: string }[]>;
}

/** What somebody who left still owns. */
export interface Belongings { documents: { code: string; label: string; count: number }[]; contacts: number; customers: Customers }

/** Customers of WeCom on their way to the colleague, what became of each; `counts` by state. */
export type PassingState = "waiting" | "asked" | "done" | "refused" | "full" | "failed";
export interface Customers {
  counts: { state: PassingState; label: string; count: number }[];
  rows: { id: string; name: string; state: PassingState; state_label: string; error: string | null; error_text: string | null; remedy: string | null }[];
}

/** What the callback doctor found of one receiver. */
export interface Finding { what: string; label: string; ok: boolean; evidence: string; remedy: string; at: string | null }
export interface Examined { receivers: { receiver: string; findings: Finding[] }[]; base: string; ok: boolean }
export interface CallbackRow { id: string; receiver: string; at: string; fault: string; event: string; address: string; took_ms: number; handled_at: string | null }
/** Word for word: what was decrypted, and what came. */
export type StoredCallback = CallbackRow & { query: Record<string, string>; body: string; text: string };
