/** Lanes and their messages, as the chain pages show them. */
export interface Lane {
  id: string; partner: { name: string } | null; direction: "out" | "in"; state: string; last_seq: number; accepted: number; delivered: number; applied: number;
  unsent: number; unapplied: number; quarantined: number; oldest_unsent_s: number | null; last_error: string | null; credential_days_left: number | null; epoch: number;
  choices?: ("ours" | "theirs")[];
}
export interface Message {
  id: string; seq: number | null; type: string; label?: string | null; thread: string; version: number; state: string; reason: string | null; attempts: number; at: string;
  number: string | null; code: string | null; doc: string | null;
}

/** One message of one of two branches. */
export interface Branch { seq: number | null; type: string; label: string; number: string | null; subject: string; version: number; state: string; digest: string; at: string }

/** Both branches after the message they share, what was put aside before, and what may be chosen. */
export interface Branches { common: number | null; ours: Branch[]; theirs: Branch[]; aside: Branch[]; choices: ("ours" | "theirs")[] }
