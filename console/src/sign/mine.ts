/** My own ways in, as the server tells them. */
import type { Way } from "./ways";

export interface Bound { id: string; provider: "wecom" | "dingtalk" | "mobile"; name: string; corp: string; is_own: boolean; created_at: string; used_at: string | null }
export interface Mine {
  has_password: boolean;
  ways: Bound[];
  offered: Way[];
  mobile: boolean;
  second_factor: { on: boolean; since: string | null; recovery_left: number };
  prove_by: string[];
}
export interface AccountEvent { at: string; act: string; detail: string; by: string | null; address: string; device: string }

/** A browser's name and system out of what it says of itself. */
export function deviceName(device: string): string {
  const client = /wxwork/i.test(device) ? "WeCom" : /dingtalk/i.test(device) ? "DingTalk" : null;
  const browser = /(Edg|OPR|Chrome|Firefox|Version)\/(\d+)/.exec(device.replace(/Chrome\/\d+(?=.*(Edg|OPR))/, ""));
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(device)?.[1];
  const name = client ?? (browser ? { Edg: "Edge", OPR: "Opera", Chrome: "Chrome", Firefox: "Firefox", Version: "Safari" }[browser[1] ?? ""] : null);
  return name ? [name, system].filter(Boolean).join(" · ") : device;
}
