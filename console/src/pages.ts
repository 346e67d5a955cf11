/** Which page answers an address. Generic pages come from metadata; a code that deserves its own page is named here. */
import { defineAsyncComponent, type Component } from "vue";

const page = (load: () => Promise<{ default: Component }>): Component => defineAsyncComponent({ loader: load, delay: 120 });

const Home = page(() => import("./pages/Home.vue"));
const Me = page(() => import("./pages/Me.vue"));
const Lost = page(() => import("./pages/Lost.vue"));
const Code = page(() => import("./pages/Code.vue"));
const Document = page(() => import("./pages/Document.vue"));
const Decide = page(() => import("./pages/Decide.vue"));
const Grants = page(() => import("./pages/Grants.vue"));
const Messages = page(() => import("./pages/Messages.vue"));
const Leaving = page(() => import("./pages/directory/Leaving.vue"));

const OWN: Record<string, Component> = {
  "chain.lanes": page(() => import("./pages/Lanes.vue")),
  "chain.membership": page(() => import("./pages/Membership.vue")),
  "finance.statement": page(() => import("./pages/Statement.vue")),
  "chain.link": page(() => import("./pages/Links.vue")),
  "chain.credential": page(() => import("./pages/Credentials.vue")),
  "chain.product": page(() => import("./pages/Products.vue")),
  "directory.connection": page(() => import("./pages/directory/Connections.vue")),
  "directory.run": page(() => import("./pages/directory/Runs.vue")),
  "directory.conflicts": page(() => import("./pages/directory/Conflicts.vue")),
  "directory.handover": page(() => import("./pages/directory/Leavers.vue")),
  "directory.guest": page(() => import("./pages/directory/Branches.vue")),
  "directory.callback": page(() => import("./pages/directory/Doctor.vue")),
  "directory.contacts": page(() => import("./pages/directory/Contacts.vue")),
  "directory.notice": page(() => import("./pages/Notices.vue")),
};
/** Records with a page of their own; by code, or by code and name where each is another page. */
const OWN_RECORD: Record<string, Component> = {
  "directory.connection": page(() => import("./pages/directory/Connection.vue")),
  "directory.connection/sms": page(() => import("./pages/directory/Sms.vue")),
  "directory.run": page(() => import("./pages/directory/Run.vue")),
};

export interface Shown { page: Component; props: Record<string, string> }

/** From a tab's path alone, so that a restored tab needs no navigation. */
export function pageOf(path: string): Shown {
  if (path === "/") return { page: Home, props: {} };
  if (path === "/me") return { page: Me, props: {} };
  const [, code = "", first = "", second = ""] = path.split("/");
  if (code === "decide") return /^[a-z_]+\.[a-z_]+$/.test(first) && second ? { page: Decide, props: { code: first, id: second } } : { page: Lost, props: {} };
  if (!/^[a-z_]+\.[a-z_]+$/.test(code)) return { page: Lost, props: {} };
  if (!first) return OWN[code] ? { page: OWN[code], props: {} } : { page: Code, props: { code } };
  if (first === "new") return { page: Document, props: { code, draft: second } };
  if (second === "grants") return { page: Grants, props: { id: first } };
  if (second === "messages") return { page: Messages, props: { id: first } };
  if (second === "leaving") return { page: Leaving, props: { id: first } };
  const record = OWN_RECORD[`${code}/${first}`] ?? OWN_RECORD[code];
  return record ? { page: record, props: { id: first } } : { page: Document, props: { code, id: first } };
}
