/** The shape of the API that is generated from the example application's models, as far as the examples look at it. */
export const trackerSdl = /* GraphQL */ `
  scalar DateTime
  scalar Decimal
  scalar JSON

  type Query {
    label(where: LabelWhereUniqueInput!): Label
    labels(where: LabelWhereInput, orderBy: [LabelOrderByInput!], first: Int, after: String, last: Int, before: String): LabelConnection!
    member(where: MemberWhereUniqueInput!): Member
    members(first: Int, after: String, last: Int, before: String): MemberConnection!
    task(where: TaskWhereUniqueInput!): Task
    tasks(where: TaskWhereInput, orderBy: [TaskOrderByInput!], first: Int, after: String, last: Int, before: String): TaskConnection!
    comment(where: CommentWhereUniqueInput!): Comment
    comments(first: Int, after: String, last: Int, before: String): CommentConnection!
    project(where: ProjectWhereUniqueInput!): Project
    projects(first: Int, after: String, last: Int, before: String): ProjectConnection!
    user(where: UserWhereUniqueInput!): User
    users(first: Int, after: String, last: Int, before: String): UserConnection!
    "Who is asking, for the tests."
    viewer: String
  }

  type Mutation {
    createTask(data: CreateTaskInput!): Task!
    updateTask(where: TaskWhereUniqueInput!, data: UpdateTaskInput!): Task!
    deleteTask(where: TaskWhereUniqueInput!): Task
    createLabel(data: CreateLabelInput!): Label!
  }

  type Subscription {
    taskChanges(where: TaskWhereInput, after: String): TaskChange!
    ticks(count: Int!): Int!
  }

  directive @live(patch: Boolean! = false) on QUERY
  enum ChangeType { CREATED UPDATED DELETED }
  type TaskChange { type: ChangeType!, reason: String, cursor: String!, node: Task, previous: Task, changedFields: [String!] }

  enum SortOrder { asc desc }
  enum NullsOrder { first last }
  enum QueryMode { default insensitive }
  input SortOrderInput { sort: SortOrder!, nulls: NullsOrder }
  input StringFilter { equals: String, in: [String!], contains: String, mode: QueryMode, not: StringFilter }
  input IntFilter { equals: Int, gte: Int, lt: Int }
  input DateTimeFilter { equals: DateTime, gte: DateTime, lt: DateTime }
  input TaskStatusFilter { equals: TaskStatus, in: [TaskStatus!], not: TaskStatusFilter }

  type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }

  "How far a task has come."
  enum TaskStatus { TODO DOING DONE }

  "Something to do."
  type Task {
    id: ID!
    projectId: ID!
    parentId: ID
    assigneeId: ID
    title: String!
    body: String!
    status: TaskStatus!
    priority: Int!
    estimate: Float
    extra: JSON
    dueAt: DateTime
    createdAt: DateTime!
    updatedAt: DateTime!
    secretOf(key: String!): String
    project: Project
    parent: Task
    assignee: User
    subtasks(where: TaskWhereInput, orderBy: [TaskOrderByInput!], first: Int, after: String, last: Int, before: String): TaskConnection!
    labels(first: Int, after: String, last: Int, before: String): LabelConnection!
    comments(first: Int, after: String, last: Int, before: String): CommentConnection!
  }
  type TaskEdge { node: Task!, cursor: String! }
  type TaskConnection { nodes: [Task!]!, edges: [TaskEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input TaskWhereUniqueInput { id: ID, AND: [TaskWhereInput!] }
  input TaskWhereInput {
    AND: [TaskWhereInput!]
    OR: [TaskWhereInput!]
    NOT: [TaskWhereInput!]
    id: StringFilter
    title: StringFilter
    status: TaskStatusFilter
    priority: IntFilter
    createdAt: DateTimeFilter
    comments: TaskWhereInput
  }
  input TaskOrderByInput { id: SortOrder, title: SortOrder, createdAt: SortOrder, dueAt: SortOrderInput }
  input CreateTaskInput {
    id: ID
    title: String!
    body: String
    status: TaskStatus
    project: TaskProjectInput
    projectId: ID
    assignee: TaskAssigneeInput
    assigneeId: ID
  }
  input TaskProjectInput { connect: ProjectWhereUniqueInput }
  input TaskAssigneeInput { connect: UserWhereUniqueInput }
  input UpdateTaskInput { title: String }

  type Project {
    id: ID!
    name: String!
    budget: Decimal
    archived: Boolean!
    createdAt: DateTime!
    tasks(first: Int, after: String, last: Int, before: String): TaskConnection!
  }
  type ProjectEdge { node: Project!, cursor: String! }
  type ProjectConnection { nodes: [Project!]!, edges: [ProjectEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input ProjectWhereUniqueInput { id: ID }

  type Comment { id: ID!, body: String!, createdAt: DateTime!, taskId: ID!, authorId: ID!, task: Task!, author: User! }
  type CommentEdge { node: Comment!, cursor: String! }
  type CommentConnection { nodes: [Comment!]!, edges: [CommentEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input CommentWhereUniqueInput { id: ID }

  type User {
    id: ID!
    email: String
    name: String!
    createdAt: DateTime!
    assigned(first: Int, after: String, last: Int, before: String): TaskConnection!
    comments(first: Int, after: String, last: Int, before: String): CommentConnection!
  }
  type UserEdge { node: User!, cursor: String! }
  type UserConnection { nodes: [User!]!, edges: [UserEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input UserWhereUniqueInput { id: ID, email: String }

  type Label {
    id: ID!
    name: String!
    color: String!
    tasks(first: Int, after: String, last: Int, before: String): TaskConnection!
  }
  type LabelEdge { node: Label!, cursor: String! }
  type LabelConnection { nodes: [Label!]!, edges: [LabelEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input LabelWhereUniqueInput { id: ID, workspaceId_name: LabelWorkspaceIdNameInput }
  input LabelWorkspaceIdNameInput { workspaceId: ID!, name: String! }
  input LabelWhereInput { name: StringFilter }
  input LabelOrderByInput { name: SortOrder }
  input CreateLabelInput { name: String!, color: String! }

  type Member { workspaceId: ID!, userId: ID!, joinedAt: DateTime!, user: User! }
  type MemberEdge { node: Member!, cursor: String! }
  type MemberConnection { nodes: [Member!]!, edges: [MemberEdge!]!, pageInfo: PageInfo!, totalCount: Int! }
  input MemberWhereUniqueInput { workspaceId_userId: MemberWorkspaceIdUserIdInput }
  input MemberWorkspaceIdUserIdInput { workspaceId: ID!, userId: ID! }
`;

/** Names, keys and types that nobody would choose, and some that many do. */
export const oddSdls: Record<string, string> = {
  'a model without relations': /* GraphQL */ `
    type Query { notes(first: Int): NoteConnection! }
    type Note { text: String! }
    type NoteConnection { nodes: [Note!]!, pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean!, endCursor: String }
  `,
  'a model of keys and exotic values only': /* GraphQL */ `
    scalar BigInt
    scalar Bytes
    scalar Json
    type Query {
      thing_parts(where: thing_partWhereInput, orderBy: thing_partOrderByInput, first: Int): thing_partConnection!
      thing_part(where: thing_partWhereUniqueInput!): thing_part
    }
    type Mutation { creatething_part(data: X!): thing_part!, createThing_part(data: X!): thing_part! }
    input X { ref: BigInt!, blob: Bytes!, doc: Json!, parts: [X!]!, self: Y }
    input Y { create: X, connect: thing_partWhereUniqueInput }
    input thing_partWhereInput { NOT: thing_partWhereInput, doc: JsonFilter, ref: BigIntFilter }
    input JsonFilter { path: [String!], equals: Json }
    input BigIntFilter { equals: BigInt, gt: BigInt }
    input thing_partOrderByInput { other: thing_partOrderByInput }
    input thing_partWhereUniqueInput @oneOf { ref: BigInt, blob: Bytes }
    type thing_part { ref: BigInt!, blob: Bytes, doc: Json, other: thing_part, otherId: BigInt, others(first: Int): thing_partConnection! }
    type thing_partConnection { nodes: [thing_part]!, pageInfo: PageInfo!, totalCount: Int! }
    type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }
  `,
  'a model whose every field wants an argument': /* GraphQL */ `
    type Query { vaults(first: Int!): VaultConnection!, safes: SafeConnection! }
    type Vault { secret(key: String!): String }
    type Safe { secret(key: String!): String, next: Safe, more(first: Int!): SafeConnection! }
    type VaultConnection { nodes: [Vault!]!, pageInfo: PageInfo! }
    type SafeConnection { nodes: [Safe!]!, pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean!, endCursor: String }
  `,
  'no model at all': 'type Query { hello: String }',
};
