export default function Request() { return <p>Request</p>; }
