/** Addresses. Every page has one; which component answers it is decided in pages.ts. */
import { createRouter, createWebHistory } from "vue-router";

import { newKey } from "./api";
import { useSession } from "./session";
import { localPath } from "./sign/ways";

const Nothing = { render: () => null };
/** Pages of the way in, which open signed in or not. */
export const OPEN = new Set<unknown>(["sign-in", "back", "enterprise", "console", "console-of-corp", "install"]);

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/sign-in", name: "sign-in", component: Nothing },
    { path: "/sign-in/back", name: "back", component: Nothing },
    { path: "/e/:enterprise?", name: "enterprise", component: Nothing },
    { path: "/e/:enterprise/console", name: "console", component: Nothing },
    { path: "/sign-in/console", name: "console-of-corp", component: Nothing },
    { path: "/install/dingtalk", name: "install", component: Nothing },
    { path: "/", name: "home", component: Nothing },
    { path: "/me", name: "me", component: Nothing },
    { path: "/decide/:code([a-z_]+\\.[a-z_]+)/:id", name: "decide", component: Nothing },
    { path: "/:code([a-z_]+\\.[a-z_]+)", name: "list", component: Nothing },
    { path: "/:code([a-z_]+\\.[a-z_]+)/new", redirect: (to) => ({ path: `${to.path}/${newKey().slice(0, 8)}`, query: to.query }) },
    { path: "/:code([a-z_]+\\.[a-z_]+)/new/:key", name: "new", component: Nothing },
    { path: "/:code([a-z_]+\\.[a-z_]+)/:id", name: "document", component: Nothing },
    { path: "/:code([a-z_]+\\.[a-z_]+)/:id/:sub(grants|messages|leaving)", name: "part", component: Nothing },
    { path: "/:rest(.*)*", name: "lost", component: Nothing },
  ],
});

router.beforeEach(async (to) => {
  const session = useSession();
  if (!session.known) {
    try {
      await session.load();
    } catch {
      // No answer yet: the shell shows it and offers to try again.
      return true;
    }
  }
  if (to.name === "sign-in") return session.session ? localPath(to.query["to"]) : true;
  if (OPEN.has(to.name)) return true;
  if (!session.session) return { name: "sign-in", query: to.fullPath === "/" ? {} : { to: to.fullPath } };
  return true;
});
