/** The ways in as this browser sees them: what is offered, leaving for a platform, and coming back. */
import { get, write } from "@/api";

export interface Way { name: string; provider: "wecom" | "dingtalk"; place: "browser" | "client" | "console"; label: string; corp: string; script?: string }
export interface Ways { enterprise: { code: string; name: string } | null; mobile: boolean; ways: Way[] }
/** What a sign-in was answered: a session, or the debt of a second factor. */
export interface Opened { owes?: "second_factor"; to?: string; done?: "bind" | "prove" }
interface Leaving { state: string; address: string; corp: string; client_id: string }

export const waysOf = (enterprise: string, corp = ""): Promise<Ways> => get<Ways>("sign-in/ways", { enterprise, corp }, { quiet: true });

/**
 * Which platform's own app shows this page. `corpId` in the address is how DingTalk's workbench opens ours; `inside` says
 * it for a sandbox, whose phone is a browser like any other.
 */
export function clientHere(agent = navigator.userAgent, search = location.search): "wecom" | "dingtalk" | null {
  const query = new URLSearchParams(search);
  if (/wxwork/i.test(agent) || query.get("inside") === "wecom") return "wecom";
  return /dingtalk/i.test(agent) || query.has("corpId") || query.get("inside") === "dingtalk" ? "dingtalk" : null;
}

/** A page of ours, or home: what stands in an address was written by anybody. */
export function localPath(to: unknown): string {
  const text = typeof to === "string" ? to : "";
  if (!text.startsWith("/") || /[\\\u0000-\u001f\u007f]/.test(text)) return "/";
  try {
    const url = new URL(text, location.origin);
    return url.origin === location.origin && !url.pathname.startsWith("//") ? `${url.pathname}${url.search}${url.hash}` : "/";
  } catch {
    return "/";
  }
}

/**
 * Leave for a platform. Where its client hands out codes itself, nobody leaves: the answer is what came of the code.
 * `path` is the route that begins: signing in, binding, or proving.
 */
export async function leave(path: string, way: Way, given: Record<string, string>): Promise<Opened | null> {
  const left = await write<Leaving>("POST", path, { way: way.name, ...given }, { quiet: path.startsWith("sign-in/") });
  if (left.address) {
    location.assign(left.address);
    return null;
  }
  const code = await codeOfClient(left.corp, left.client_id, way.script ?? "");
  return comeBack(left.state, code);
}

export const comeBack = (state: string, code: string): Promise<Opened> => write<Opened>("POST", "sign-in/back", { state, code }, { quiet: true });

interface Asked { corpId: string; clientId: string; onSuccess: (answer: { code: string }) => void; success: (answer: { code: string }) => void; onFail: (error: unknown) => void; fail: (error: unknown) => void }
type Bridge = (asked: Asked) => unknown;

/** A code from DingTalk's client: through its own library, or the one a sandbox brings. */
async function codeOfClient(corpId: string, clientId: string, script: string): Promise<string> {
  const request = await bridge(script);
  return new Promise((resolve, reject) => {
    const done = (answer: { code: string }): void => resolve(answer.code);
    const failed = (error: unknown): void => reject(new Error(JSON.stringify(error)));
    void request({ corpId, clientId, onSuccess: done, success: done, onFail: failed, fail: failed });
  });
}

async function bridge(script: string): Promise<Bridge> {
  if (script) {
    await loadScript(script);
    const dd = (window as unknown as { dd?: { requestAuthCode?: Bridge } }).dd;
    if (dd?.requestAuthCode) return dd.requestAuthCode;
  }
  await import("dingtalk-jsapi/platform");
  return (await import("dingtalk-jsapi/api/runtime/permission/requestAuthCode")).requestAuthCode$ as Bridge;
}

function loadScript(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = src;
    element.onload = (): void => resolve();
    element.onerror = (): void => reject(new Error(src));
    document.head.append(element);
  });
}
