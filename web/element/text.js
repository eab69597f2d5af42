import {DeviceError, PlenumError} from '../sdk/errors.js';

/** What <plenum-call> says, by language: its buttons, and what went wrong by the error's code. */
const texts = {
  en: {
    join: 'Join the call', joining: 'Joining…', leave: 'Leave', microphone: 'Microphone', camera: 'Camera', screen: 'Share screen',
    lost: 'Reconnecting…', play: 'Play sound', you: 'You', guest: 'Guest', muted: 'microphone off', call: 'Call',
    'camera.denied': 'The camera is blocked. Allow it with the icon beside the address, or in the system’s privacy settings.',
    'camera.in-use': 'The camera is in use by another program. Close that program and try again.',
    'camera.missing': 'No camera was found.',
    'camera.insecure': 'The camera works only on https pages and on localhost.',
    'camera.failed': 'The camera could not be opened.',
    'microphone.denied': 'The microphone is blocked. Allow it with the icon beside the address, or in the system’s privacy settings.',
    'microphone.in-use': 'The microphone is in use by another program. Close that program and try again.',
    'microphone.missing': 'No microphone was found.',
    'microphone.insecure': 'The microphone works only on https pages and on localhost.',
    'microphone.failed': 'The microphone could not be opened.',
    'screen.denied': 'Screen sharing is blocked in the browser or the system.',
    'screen.in-use': 'The screen could not be shared.',
    'screen.missing': 'This browser can’t share a screen.',
    'screen.insecure': 'Screen sharing works only on https pages and on localhost.',
    'screen.failed': 'The screen could not be shared.',
    unreachable: 'The server can’t be reached. Check your network and try again.',
    'room-full': 'This room is full. Try again when someone has left.',
    'server-full': 'The server is full. Try again in a few minutes.',
    unauthorized: 'You have no access to this call, or no longer.',
    kicked: 'A moderator removed you from the room.',
    replaced: 'The call goes on in another window or tab.',
    'no-media': 'The call could not be connected in time. Try again.',
    draining: 'The server is being restarted. Try again in a moment.',
    'bad-room': 'This call has no proper name.',
    'bad-name': 'This name is too long.',
    'rate-limited': 'The server ended the call, because this page sent too much at once.',
    unsupported: 'This browser can’t make calls, or was told not to (WebRTC is off). Try another one.',
    forbidden: 'You may not do that in this call.',
  },
  zh: {
    join: '加入通话', joining: '正在加入…', leave: '离开', microphone: '麦克风', camera: '摄像头', screen: '共享屏幕',
    lost: '正在重新连接…', play: '播放声音', you: '你', guest: '访客', muted: '麦克风已关闭', call: '通话',
    'camera.denied': '摄像头被禁用。请点击地址栏旁的图标或在系统隐私设置中允许。',
    'camera.in-use': '摄像头正被其他程序使用。请关闭该程序后重试。',
    'camera.missing': '没有找到摄像头。',
    'camera.insecure': '摄像头只能在 https 页面和 localhost 上使用。',
    'camera.failed': '无法打开摄像头。',
    'microphone.denied': '麦克风被禁用。请点击地址栏旁的图标或在系统隐私设置中允许。',
    'microphone.in-use': '麦克风正被其他程序使用。请关闭该程序后重试。',
    'microphone.missing': '没有找到麦克风。',
    'microphone.insecure': '麦克风只能在 https 页面和 localhost 上使用。',
    'microphone.failed': '无法打开麦克风。',
    'screen.denied': '浏览器或系统禁止共享屏幕。',
    'screen.in-use': '无法共享屏幕。',
    'screen.missing': '此浏览器不能共享屏幕。',
    'screen.insecure': '只能在 https 页面和 localhost 上共享屏幕。',
    'screen.failed': '无法共享屏幕。',
    unreachable: '无法连接服务器。请检查网络后重试。',
    'room-full': '房间已满。请等有人离开后再试。',
    'server-full': '服务器已满。请过几分钟再试。',
    unauthorized: '你无权加入此通话，或授权已过期。',
    kicked: '主持人已将你移出房间。',
    replaced: '通话在另一个窗口或标签页中继续。',
    'no-media': '未能及时建立通话连接。请重试。',
    draining: '服务器正在重启。请稍后再试。',
    'bad-room': '此通话的房间名无效。',
    'bad-name': '名字太长。',
    'rate-limited': '此页面一次发送的内容过多，服务器结束了通话。',
    unsupported: '此浏览器不能通话，或已关闭该功能（WebRTC）。请换一个浏览器。',
    forbidden: '你在此通话中无权进行该操作。',
  },
};

/** @typedef {keyof typeof texts.en} Text */

/** @param {Text} key @param {string} language  as in `lang` */
export function textOf(key, language) {
  return texts[language.startsWith('zh') ? 'zh' : 'en'][key];
}

/**
 * Says to a person what went wrong. Errors that only a program can cause are told in
 * the words they came with.
 *
 * @param {unknown} error
 * @param {string} language
 */
export function explain(error, language) {
  const key = error instanceof DeviceError ? `${error.kind}.${error.reason}` : error instanceof PlenumError ? error.code : '';
  if (Object.hasOwn(texts.en, key)) return textOf(/** @type {Text} */ (key), language);
  return error instanceof Error ? error.message : String(error);
}
