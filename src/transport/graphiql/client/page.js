// Runs in the browser, as it stands here: starts GraphiQL, and keeps the bar above it (examples, "view as").
// A plain script, not a module, so that it runs after the bundle and before anything is asked.
(() => {
  const config = JSON.parse(document.getElementById('config').textContent);
  const endpoint = new URL(location.pathname, location.href).href;
  const askDirectly = window.fetch.bind(window);

  self.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_module, label) => config.workers[label] ?? config.workers.editorWorkerService,
  };

  const viewer = config.viewAs ? createViewer(config.viewAs.initial) : undefined;
  if (viewer) window.fetch = viewer.fetch;
  if (config.examples.length > 0) addExamplesMenu();
  if (viewer) addViewAsMenu(viewer);
  startGraphiql();

  function startGraphiql() {
    const asTab = ({ query, variables }) => ({
      query,
      variables: variables && JSON.stringify(variables, null, 2),
      headers: null,
    });
    const opened = takeOpened();
    // With tabs kept from before, GraphiQL adds the opened document to them; without, it begins with the tabs given here.
    const first = opened ? [opened, ...config.examples.filter((example) => example !== opened)] : config.examples;
    window.YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
      // Both are set as HTML, and hidden: the bar says whose API this is.
      title: '',
      logo: '',
      ...(first.length > 0 ? { defaultTabs: first.map(asTab) } : {}),
      ...asInitial(opened ? asTab(opened) : keptTab()),
      shouldPersistHeaders: true,
      fetcher: createFetcher({ endpoint, headers: config.headers, viewer, onState: addStreamState() }),
      // The stock page writes the document into the address: a reload would then run it, or be too long for the server.
      onEditQuery: () => undefined,
    });
  }

  /** How GraphiQL is told what to show first; the headers of the tab shown last go along with an opened document. */
  function asInitial(tab) {
    if (!tab) return {};
    const initialHeaders = tab.headers ?? keptTab()?.headers ?? '';
    return { initialQuery: tab.query ?? '', initialVariables: tab.variables ?? '', initialHeaders };
  }

  /** The tab that was shown last. Not told of it, GraphiQL takes what was typed last, in any tab, for a new document. */
  function keptTab() {
    try {
      const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
      return tabs[activeTabIndex];
    } catch {
      return undefined;
    }
  }

  /** The document the address asks for (`#example=2`, `#query=…`); the address is cleaned, so that a reload opens it once only. */
  function takeOpened() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has('example') && !asked.has('query')) return undefined;
    history.replaceState(null, '', location.pathname + location.search);
    const query = asked.get('query');
    return query ? { query } : config.examples[Number(asked.get('example')) - 1];
  }

  /** Who is asked as: kept for the browser tab, sent with every request to the endpoint. */
  function createViewer(initial) {
    const key = 'millrace:view-as';
    const stored = sessionStorage.getItem(key);
    const listeners = new Set();
    let choice = stored === null ? (initial ?? null) : JSON.parse(stored);
    let minted;
    let overridden = false;

    function tell() {
      for (const listener of listeners) listener();
    }

    /** The token of the choice, made when first needed; tokens are not stored, since a restarted server may have new keys. */
    function mint() {
      minted ??= post('view-as', { sub: choice.sub, role: choice.role }).then(
        ({ token }) => token,
        (error) => {
          minted = undefined;
          throw new Error(`View as ${choice?.label}: ${error.message}`);
        },
      );
      return minted;
    }

    function noteOverride(isOverridden) {
      if (isOverridden === overridden) return;
      overridden = isOverridden;
      tell();
    }

    async function fetchAsViewer(input, init) {
      const request = new Request(input, init);
      if (request.url.split(/[?#]/)[0] !== endpoint) return askDirectly(request);
      noteOverride(request.headers.has('authorization'));
      if (overridden || !choice) return askDirectly(request);
      const again = request.clone();
      const response = await askDirectly(withToken(request, await mint()));
      if (response.status !== 401) return response;
      minted = undefined;
      return askDirectly(withToken(again, await mint()));
    }

    function withToken(request, bearer) {
      request.headers.set('Authorization', `Bearer ${bearer}`);
      return request;
    }

    return {
      fetch: fetchAsViewer,
      /** What a WebSocket says of who asks, beside these headers. */
      async authorize(headers) {
        noteOverride(Object.keys(headers).some((name) => name.toLowerCase() === 'authorization'));
        return overridden || !choice ? {} : { Authorization: `Bearer ${await mint()}` };
      },
      /** Lets go of the token, so that the next request has a new one; false when no token of the choice was in use. */
      forget() {
        minted = undefined;
        return choice !== null && !overridden;
      },
      choice: () => choice,
      isOverridden: () => overridden,
      onChange: (listener) => listeners.add(listener),
      /** Asks as somebody else from now on; fails, and leaves things as they were, when the server makes no token. */
      async choose(next) {
        const before = { choice, minted };
        choice = next;
        minted = undefined;
        try {
          if (next) await mint();
        } catch (error) {
          ({ choice, minted } = before);
          throw error;
        }
        sessionStorage.setItem(key, JSON.stringify(next));
        tell();
      },
    };
  }

  async function post(path, body) {
    const response = await askDirectly(`${endpoint}/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error ?? `the server answered ${response.status}`);
    return answer;
  }

  /** Says in the bar whether something goes on answering. */
  function addStreamState() {
    const state = element('span', { id: 'stream-state', role: 'status' });
    document.querySelector('#bar h1').after(state);
    const words = { live: 'Live', lost: 'Connection lost: trying again …', ended: '' };
    return (name) => {
      state.dataset.state = name;
      state.textContent = words[name];
    };
  }

  function addExamplesMenu() {
    const { button, panel } = addMenu('examples', 'Example queries');
    button.append(element('span', { className: 'value', textContent: 'Examples' }));
    panel.append(
      ...config.examples.map((example, index) => {
        const item = element('button', { type: 'button', className: 'item' });
        item.append(element('span', { textContent: example.title }));
        item.addEventListener('click', () => {
          // GraphiQL opens a document it does not know in a new tab, and only when it starts.
          // It keeps what was typed half a second later only: hence the wait.
          item.setAttribute('aria-busy', 'true');
          setTimeout(() => {
            location.hash = `example=${index + 1}`;
            location.reload();
          }, 600);
        });
        return item;
      }),
    );
  }

  function addViewAsMenu(viewer) {
    const { button, panel } = addMenu('view-as', 'View as');
    const value = element('span', { className: 'value' });
    const note = element('span', { className: 'note', role: 'status' });
    button.before(note);
    button.append(
      element('span', { className: 'dot' }),
      element('span', { className: 'caption', textContent: 'View as' }),
      value,
    );
    const list = element('div', { className: 'list' });
    const problem = element('p', { className: 'problem', role: 'alert' });
    panel.append(list, otherForm(choose), problem);

    async function choose(choice) {
      problem.textContent = '';
      try {
        await viewer.choose(choice);
        panel.hidePopover();
        button.focus();
      } catch (error) {
        problem.textContent = error.message;
      }
    }

    function show() {
      const choice = viewer.choice();
      value.textContent = choice?.label ?? 'Anonymous';
      button.dataset.kind = !choice ? 'anonymous' : choice.role === 'admin' ? 'admin' : 'user';
      note.textContent = viewer.isOverridden() ? 'The Authorization in the headers editor is used' : '';
      for (const item of list.children) item.setAttribute('aria-pressed', String(isSame(item.choice, choice)));
    }

    function offer(suggestions) {
      const fixed = [null, { role: 'admin', label: 'Admin' }];
      const known = suggestions.filter((each) => !fixed.some((other) => isSame(other, each)));
      list.replaceChildren(...[...fixed, ...known].map((choice) => choiceItem(choice, choose)));
      show();
    }

    panel.addEventListener('beforetoggle', async (event) => {
      if (event.newState !== 'open') return;
      problem.textContent = '';
      try {
        const { suggestions } = await post('view-as/suggestions', {});
        const focused = [...list.children].indexOf(document.activeElement);
        offer(suggestions);
        list.children[focused]?.focus();
      } catch (error) {
        problem.textContent = `No suggestions: ${error.message}`;
      }
    });
    viewer.onChange(show);
    offer([]);
  }

  function choiceItem(choice, choose) {
    const kind = !choice ? 'anonymous' : choice.role === 'admin' ? 'admin' : 'user';
    const item = element('button', { type: 'button', className: 'item', title: choice?.sub ?? '' });
    item.dataset.kind = kind;
    item.choice = choice;
    const remark = !choice
      ? 'no token'
      : choice.sub || choice.label.toLowerCase() !== choice.role
        ? choice.role
        : 'role only';
    item.append(
      element('span', { className: 'dot' }),
      element('span', { className: 'name', textContent: choice?.label ?? 'Anonymous' }),
      element('span', { className: 'remark', textContent: remark ?? '' }),
    );
    item.addEventListener('click', () => choose(choice));
    return item;
  }

  function otherForm(choose) {
    const form = element('form', { className: 'other' });
    const input = (name, placeholder) =>
      element('input', { name, placeholder, autocomplete: 'off', spellcheck: false });
    const sub = input('sub', 'User id');
    const role = input('role', 'Role');
    sub.setAttribute('aria-label', 'User id');
    role.setAttribute('aria-label', 'Role');
    form.append(sub, role, element('button', { type: 'submit', textContent: 'View' }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const wanted = { sub: sub.value.trim() || undefined, role: role.value.trim() || undefined };
      if (!wanted.sub && !wanted.role) return sub.focus();
      choose({ ...wanted, label: [wanted.role, wanted.sub].filter(Boolean).join(' · ') });
    });
    return form;
  }

  /** A button in the bar with a panel below it; arrow keys walk through the panel's items, Escape closes it. */
  function addMenu(name, label) {
    const button = element('button', { type: 'button', id: `${name}-button`, className: 'menu', title: label });
    const panel = element('div', { id: `${name}-panel`, className: 'panel', popover: 'auto' });
    panel.setAttribute('role', 'group');
    panel.setAttribute('aria-label', label);
    button.popoverTargetElement = panel;
    button.setAttribute('aria-expanded', 'false');
    panel.addEventListener('toggle', (event) => {
      const open = event.newState === 'open';
      button.setAttribute('aria-expanded', String(open));
      if (!open) return;
      const { right, bottom } = button.getBoundingClientRect();
      panel.style.right = `${Math.max(8, innerWidth - right)}px`;
      panel.style.top = `${bottom + 6}px`;
      (panel.querySelector('[aria-pressed=true]') ?? panel.querySelector('button'))?.focus();
    });
    panel.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const items = [...panel.querySelectorAll('button, input')];
      const next = items[items.indexOf(document.activeElement) + (step ?? Number.NaN)];
      if (!step || !next) return;
      event.preventDefault();
      next.focus();
    });
    document.getElementById('bar').append(button);
    document.body.append(panel);
    return { button, panel };
  }

  function isSame(a, b) {
    return a?.sub === b?.sub && a?.role === b?.role;
  }

  function element(tag, properties) {
    const { role, ...others } = properties;
    const made = Object.assign(document.createElement(tag), others);
    if (role) made.setAttribute('role', role);
    return made;
  }
})();
