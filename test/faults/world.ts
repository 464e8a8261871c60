import { randomUUID } from 'node:crypto';

/** Where tasks live: permanent, or made to be deleted with all that is in it. */
export interface Project {
  readonly id: string;
  readonly number: number;
  readonly workspace: number;
  readonly isDoomed: boolean;
}

/** Somebody who asks; a member of these workspaces, or the admin. */
export interface Person {
  readonly name: string;
  readonly id: string;
  readonly workspaces: readonly number[];
  readonly isAdmin?: boolean;
}

const workspaceCount = 3;
const projectsEach = 4;

const person = (name: string, workspaces: readonly number[]): Person => ({ name, id: randomUUID(), workspaces });

/** The workspaces, projects and people of one run; grows by doomed projects. */
export class World {
  readonly workspaces = Array.from({ length: workspaceCount }, () => randomUUID());
  readonly projects: Project[] = [];
  readonly people = {
    everywhere: person('everywhere', [0, 1, 2]),
    first: person('first', [0]),
    second: person('second', [1]),
    third: person('third', [2]),
    both: person('both', [0, 1]),
    stranger: person('stranger', []),
    admin: { name: 'admin', id: randomUUID(), workspaces: [0, 1, 2], isAdmin: true } as Person,
  };
  private readonly numbers = new Map<string, number>();

  constructor() {
    for (let n = 0; n < workspaceCount * projectsEach; n += 1) this.addProject(n % workspaceCount);
  }

  /** Makes a project; it is known from now on, whether or not it is ever committed. */
  addProject(workspace: number, isDoomed = false): Project {
    const project = { id: randomUUID(), number: this.projects.length, workspace, isDoomed };
    this.projects.push(project);
    this.numbers.set(project.id, project.number);
    return project;
  }

  /** The number of a project by its id; -1 for one that was never made here. */
  projectNumber(id: string): number {
    return this.numbers.get(id) ?? -1;
  }

  /**
   * The rows that there are before the first task; and the trigger that counts every version of a task in the task itself,
   * whoever writes it, so that each message says which version it tells.
   */
  setup(): string {
    const people = Object.values(this.people);
    const values = (rows: string[]) => rows.join(', ');
    return `
      create table faults_ledger (id text primary key);
      create function faults_count() returns trigger language plpgsql as $$
      begin
        new.estimate := case tg_op when 'INSERT' then 1 else old.estimate + 1 end;
        return new;
      end $$;
      create trigger faults_count before insert or update on tasks for each row execute function faults_count();
      insert into users (id, email, name) values
        ${values(people.map((p) => `('${p.id}', '${p.name}@faults.test', '${p.name}')`))};
      insert into workspaces (id, name, slug) values
        ${values(this.workspaces.map((id, n) => `('${id}', 'Workspace ${n}', 'workspace-${n}')`))};
      insert into members (workspace_id, user_id, role) values
        ${values(people.flatMap((p) => p.workspaces.map((n) => `('${this.workspaces[n]}', '${p.id}', 'editor')`)))};
      insert into projects (id, workspace_id, name) values
        ${values(this.projects.map((p) => `('${p.id}', '${this.workspaces[p.workspace]}', 'Project ${p.number}')`))};`;
  }
}
