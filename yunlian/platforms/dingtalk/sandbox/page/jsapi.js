// Stands for DingTalk's own script in pages opened from the sandbox's phone: `dd` with a silent sign-in.
(() => {
  const base = new URL("/dingtalk/phone/code", document.currentScript.src);
  async function requestAuthCode({ corpId, clientId = "", success, onSuccess, fail, onFail }) {
    const asked = new URL(base);
    asked.search = new URLSearchParams({ corpId, clientId });
    const refused = fail || onFail || (() => undefined);
    try {
      const answer = await fetch(asked, { credentials: "include" });
      const found = await answer.json();
      if (answer.ok) (success || onSuccess)({ code: found.code });
      else refused({ errorCode: "3", errorMessage: found.errorMessage });
    } catch (error) {
      refused({ errorCode: "3", errorMessage: String(error) });
    }
  }
  window.dd = {
    env: { platform: "pc" },
    ready: (run) => run(),
    error: () => undefined,
    config: () => undefined,
    requestAuthCode,
    runtime: { permission: { requestAuthCode } },
  };
})();
