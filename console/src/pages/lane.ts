/** Lanes and their messages, as the chain pages show them. */
export interface Lane {
  id: string; partner: { name: string } | null; direction: "out" | "in"; state: string; last_seq: number; accepted: number; delivered: number; handled: number;
  unsent: number; unapplied: number; quarantined: number; oldest_unsent_s: number | null; last_error: string | null; credential_days_left: number | null; epoch: number;
  choices?: ("ours" | "theirs")[]; reason: string; alarms: string[]; acts: LaneAct[];
}
export interface Message {
  id: string; seq: number | null; type: string; label?: string | null; thread: string; version: number; state: string; reason: string | null; attempts: number; at: string;
  /** Of our document; `theirs` is the partner's, of what they sent. */
  number: string | null; code: string | null; doc: string | null; theirs: string | null; acts: MessageAct[];
}
export type LaneAct = "hold" | "open";
export type MessageAct = "release" | "reject" | "resend" | "void";

/** What the evidence of a message says is wrong, in words, and what to do about it; `code` is the list where it is done. */
export interface Wrong { field: string | null; line: number | null; message: string }
export interface Remedy { text: string; code: string | null }

/** One message of one of two branches. */
export interface Branch { seq: number | null; type: string; label: string; number: string | null; subject: string; version: number; state: string; digest: string; at: string }

/** Both branches after the message they share, what was put aside before, and what may be chosen. */
export interface Branches { common: number | null; ours: Branch[]; theirs: Branch[]; aside: Branch[]; choices: ("ours" | "theirs")[] }
